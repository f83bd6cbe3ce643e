using System.Numerics;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>
/// The random numbers of NumPy's <c>default_rng(seed)</c>, so that a seed gives the same scene here and in Python: O'Neill's PCG64
/// (pcg-random.org, the XSL-RR variant), seeded by NumPy's documented SeedSequence.
/// <code>
/// state = state · multiplier + increment (mod 2¹²⁸)    output = rotate(high ^ low, state >> 122)
/// </code>
/// </summary>
internal sealed class SeededRandom
{
    private static readonly UInt128 Multiplier = new(0x2360ED051FC65DA4, 0x4385DF649FCCF645);

    private readonly UInt128 increment;
    private UInt128 state;
    private uint? spare;

    /// <summary>Starts the sequence of a seed.</summary>
    public SeededRandom(ulong seed)
    {
        var words = SeedSequence.Words(seed);
        increment = (new UInt128(words[2], words[3]) << 1) | UInt128.One;
        state = increment + new UInt128(words[0], words[1]);
        Step();
    }

    /// <summary>The next 64 random bits.</summary>
    public ulong NextBits()
    {
        Step();
        var (high, low) = ((ulong)(state >> 64), (ulong)state);
        return BitOperations.RotateRight(high ^ low, (int)(high >> 58));
    }

    /// <summary>A uniform number in [0, 1), a multiple of 2⁻⁵³.</summary>
    public double NextUnit() => (NextBits() >> 11) * (1.0 / (1L << 53));

    /// <summary>A uniform number in [low, high).</summary>
    public double NextUniform(double low, double high) => low + (high - low) * NextUnit();

    /// <summary>
    /// A whole number from low to high − 1, without bias: the upper half of the 64-bit product of 32 random bits and the count. Products
    /// whose lower half is below 2³² mod count are drawn again (Lemire, arXiv 1805.10941).
    /// </summary>
    public int NextInteger(int low, int high)
    {
        var count = (uint)(high - low);
        if (count == 1)
            return low;
        var surplus = (0u - count) % count;
        ulong product;
        do
            product = (ulong)NextHalf() * count;
        while ((uint)product < surplus);
        return low + (int)(product >> 32);
    }

    /// <summary>Three uniform numbers in [low, high).</summary>
    public Colour NextColour(double low, double high)
        => new(NextUniform(low, high), NextUniform(low, high), NextUniform(low, high));

    // One draw of 64 bits gives two of 32 bits, the lower half first.
    private uint NextHalf()
    {
        if (spare is { } kept)
        {
            spare = null;
            return kept;
        }
        var bits = NextBits();
        spare = (uint)(bits >> 32);
        return (uint)bits;
    }

    private void Step() => state = state * Multiplier + increment;
}

/// <summary>Red, green and blue, 0…255.</summary>
internal readonly record struct Colour(double R, double G, double B)
{
    /// <summary>A channel: 0 red, 1 green, 2 blue.</summary>
    public double this[int channel] => channel == 0 ? R : channel == 1 ? G : B;
}
