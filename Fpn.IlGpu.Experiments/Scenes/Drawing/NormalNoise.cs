namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>
/// Normally distributed numbers by the ziggurat method (Marsaglia and Tsang 2000; Doornik 2005): 256 layers of equal area v cover half
/// of the bell curve, and layer i reaches to x_i. One draw gives a layer and a place in it. A place within the reach of the layer above
/// is certainly under the curve; otherwise it is compared with the curve.
/// <code>
/// f(x) = exp(−x² / 2)     f(x_i) = f(x_(i+1)) + v / x_(i+1)     x_255 = r     layer 0: as long as v / f(r), with the tail
/// </code>
/// The layers and the use of random bits are NumPy's, and so are the numbers drawn. NumPy's table was computed in another way: its
/// reaches differ from these by 1e-14, which is not visible in 8-bit pixels.
/// </summary>
internal static class NormalNoise
{
    private const int Layers = 256;
    private const int PlaceBits = 52;
    private const double LastReach = 3.6541528853610088;
    private const double LayerArea = 0.00492867323397465;

    // Index 0 is the bottom layer, whose tail begins at the reach of the last layer.
    private static readonly double[] Scale = new double[Layers];
    private static readonly ulong[] Certain = new ulong[Layers];
    private static readonly double[] Height = new double[Layers];

    static NormalNoise()
    {
        const double Places = 1L << PlaceBits;
        var reach = LastReach;
        var bottom = LayerArea / Bell(reach);
        (Scale[0], Certain[0], Height[0]) = (bottom / Places, (ulong)(reach / bottom * Places), 1);
        for (var i = Layers - 1; i > 0; i--)
        {
            // The top layer has no layer above it, so its places are always compared with the curve.
            var above = i == 1 ? 0 : Math.Sqrt(-2 * Math.Log(LayerArea / reach + Bell(reach)));
            (Scale[i], Certain[i], Height[i]) = (reach / Places, (ulong)(above / reach * Places), Bell(reach));
            reach = above;
        }
    }

    /// <summary>The next number, with mean 0 and standard deviation 1.</summary>
    public static double Next(SeededRandom random)
    {
        while (true)
        {
            var bits = random.NextBits();
            var layer = (int)(bits & (Layers - 1));
            var place = (bits >> 9) & ((1UL << PlaceBits) - 1);
            var x = place * Scale[layer];
            var negative = (bits & Layers) != 0;
            if (place < Certain[layer])
                return negative ? -x : x;
            if (layer == 0)
                return Tail(random, (place & 256) != 0);
            if ((Height[layer - 1] - Height[layer]) * random.NextUnit() + Height[layer] < Bell(x))
                return negative ? -x : x;
        }
    }

    // Beyond the last reach: exponential draws, rejected unless they are under the curve (Marsaglia 1964).
    private static double Tail(SeededRandom random, bool negative)
    {
        while (true)
        {
            var beyond = -Math.Log(1 - random.NextUnit()) / LastReach;
            var depth = -Math.Log(1 - random.NextUnit());
            if (2 * depth > beyond * beyond)
                return negative ? -(LastReach + beyond) : LastReach + beyond;
        }
    }

    private static double Bell(double x) => Math.Exp(-0.5 * x * x);
}
