namespace Fpn.IlGpu.Data;

/// <summary>
/// Random numbers for one purpose, picture and step. They depend only on the key, not on what other threads have drawn, so
/// training can start at any step. The generator is SplitMix64 (Steele, Lea, Flood 2014), with a counter that starts at a hash
/// of the key's parts:
/// <code>next = mix(counter += 0x9E3779B97F4A7C15)</code>
/// </summary>
internal struct KeyedRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private ulong counter;

    /// <summary>Starts the sequence of a key.</summary>
    /// <param name="parts">The parts of the key, such as seed, purpose, step and picture.</param>
    public KeyedRandom(params ReadOnlySpan<long> parts)
    {
        foreach (var part in parts)
            counter = Mix(counter + Golden) ^ Mix((ulong)part + Golden);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextBits() => Mix(counter += Golden);

    /// <summary>Uniform in [0, 1), a multiple of 2⁻⁵³.</summary>
    public double NextUnit() => (NextBits() >> 11) * (1.0 / (1L << 53));

    /// <summary>A uniform integer from 0 to count − 1; its bias is below 2⁻³².</summary>
    public int NextBelow(int count) => (int)Math.BigMul(NextBits(), (ulong)count, out _);

    private static ulong Mix(ulong bits)
    {
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    }
}
