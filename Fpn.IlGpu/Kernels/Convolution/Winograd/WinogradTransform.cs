namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016):
/// <code>
/// output tile [4, 4] = Aᵀ ( Σ c  (G w[c] Gᵀ) ∘ (Bᵀ d[c] B) ) A      d an input tile [6, 6], w the weights [3, 3]
/// </code>
/// It interpolates polynomials at 6 points along each axis. For each channel a tile then takes 6 × 6 multiplications instead of 16 · 9:
/// a quarter of those of a direct convolution. The price is the transforms, four times the memory for weights, and larger rounding
/// errors. The points are 0, ±3/4, ±3/2 and ∞, so that all constants of A and B are exact in float32. With 256 channels the largest
/// error is 2.4e-6 of the output's magnitude, a third of that with the usual points 0, ±1, ±2, ∞ (direct: 3e-7).
/// </summary>
internal static class WinogradTransform
{
    /// <summary>The side of an output tile, in px.</summary>
    public const int TileOutputs = 4;

    /// <summary>The side of an input tile, in px.</summary>
    public const int TileInputs = 6;

    /// <summary>Values in a transformed tile.</summary>
    public const int Values = TileInputs * TileInputs;

    /// <summary>a, of the points ±a.</summary>
    public const float A = 0.75f;

    /// <summary>b, of the points ±b.</summary>
    public const float B = 1.5f;

    public const float A2 = A * A;

    public const float A3 = A * A * A;

    public const float B2 = B * B;

    public const float B3 = B * B * B;

    /// <summary>a² + b².</summary>
    public const float Sum = A2 + B2;

    /// <summary>a² · b².</summary>
    public const float Product = A2 * B2;

    // G: for each finite point p the row [1, p, p²] / Π (p − q) over all other finite points q; then the row of ∞.
    private static readonly double[,] G = MakeG();

    /// <summary>Computes G w Gᵀ in double precision.</summary>
    /// <param name="weights">w, [3, 3].</param>
    /// <param name="transformed">[6, 6], with values step floats apart.</param>
    /// <param name="step">Step from one value to the next, in floats.</param>
    public static void Weights(ReadOnlySpan<float> weights, Span<float> transformed, int step)
    {
        Span<double> half = stackalloc double[TileInputs * 3];
        for (var i = 0; i < TileInputs; i++)
        {
            for (var x = 0; x < 3; x++)
                half[i * 3 + x] = G[i, 0] * weights[x] + G[i, 1] * weights[3 + x] + G[i, 2] * weights[6 + x];
        }
        for (var i = 0; i < TileInputs; i++)
        {
            for (var j = 0; j < TileInputs; j++)
            {
                transformed[(i * TileInputs + j) * step] =
                    (float)(half[i * 3] * G[j, 0] + half[i * 3 + 1] * G[j, 1] + half[i * 3 + 2] * G[j, 2]);
            }
        }
    }

    private static double[,] MakeG()
    {
        double[] points = [0, A, -A, B, -B];
        var g = new double[TileInputs, 3];
        for (var i = 0; i < points.Length; i++)
        {
            var others = 1.0;
            for (var j = 0; j < points.Length; j++)
                others *= i == j ? 1 : points[i] - points[j];
            for (var power = 0; power < 3; power++)
                g[i, power] = Math.Pow(points[i], power) / others;
        }
        g[TileInputs - 1, 2] = 1;
        return g;
    }
}
