namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016):
/// <code>
/// output tile [4, 4] = Aᵀ ( Σ c  (G w[c] Gᵀ) ∘ (Bᵀ d[c] B) ) A      d an input tile [6, 6], w the weights [3, 3]
/// </code>
/// Outputs of a tile are polynomials through 6 points, and a product of polynomials is 6 × 6 products of values in place of
/// 16 · 9: a quarter of the multiplications of a direct convolution. What it costs is transforms, four times the memory for
/// weights, and rounding. The points are 0, ±3/4, ±3/2 and ∞: all constants are exact in float32, and the largest error of
/// 256 channels is 2.4e-6 of the output's magnitude, a third of that of the usual 0, ±1, ±2, ∞ (direct: 3e-7).
/// </summary>
internal static class WinogradTransform
{
    /// <summary>The side of an output tile.</summary>
    public const int TileOutputs = 4;

    /// <summary>The side of an input tile.</summary>
    public const int TileInputs = 6;

    /// <summary>Values of a transformed tile.</summary>
    public const int Values = TileInputs * TileInputs;

    /// <summary>The points ±a.</summary>
    public const float A = 0.75f;

    /// <summary>The points ±b.</summary>
    public const float B = 1.5f;

    public const float A2 = A * A;

    public const float A3 = A * A * A;

    public const float B2 = B * B;

    public const float B3 = B * B * B;

    /// <summary>a² + b².</summary>
    public const float Sum = A2 + B2;

    /// <summary>a² · b².</summary>
    public const float Product = A2 * B2;

    // G: a row a point p, [1, p, p²] / Π (p − q) over all other points q; the last for ∞.
    private static readonly double[,] G = MakeG();

    /// <summary>G w Gᵀ, computed in double.</summary>
    /// <param name="weights">w, [3, 3].</param>
    /// <param name="transformed">[6, 6], a value every step values.</param>
    /// <param name="step">From one value to the next.</param>
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
