using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The tile of CPUs through OpenCL: sums[p, k] = Σ c  a[p, c] · w[c, k] for a few rows p of a matrix and 16 columns k. Its rows are
/// unrolled, and its loop over k has constant length and no branch, so that the driver's compiler keeps the sums in vector registers and
/// multiplies 16 columns in one instruction.
/// </summary>
internal static class LocalTile
{
    /// <summary>Rows in a tile.</summary>
    public const int Rows = 6;

    /// <summary>Columns in a tile, and output channels in a block of packed weights.</summary>
    public const int Channels = 16;

    /// <summary>Computes a tile's sums. Rows beyond the last repeat the last row, and their sums have no meaning.</summary>
    /// <param name="a">Rows of depth values each.</param>
    /// <param name="first">Index of the tile's first value in a.</param>
    /// <param name="rows">The number of rows that are left, at least one.</param>
    /// <param name="depth">Values in a row.</param>
    /// <param name="w">[depth, 16], from firstW on.</param>
    /// <param name="firstW">Index of the first weight in w.</param>
    /// <param name="sums">[Rows, 16].</param>
    public static void Multiply(
        ArrayView<float> a, int first, int rows, int depth, ArrayView<float> w, int firstW, ArrayView<float> sums)
    {
        var last = IntrinsicMath.Min(rows, Rows) - 1;
        var r1 = first + IntrinsicMath.Min(1, last) * depth;
        var r2 = first + IntrinsicMath.Min(2, last) * depth;
        var r3 = first + IntrinsicMath.Min(3, last) * depth;
        var r4 = first + IntrinsicMath.Min(4, last) * depth;
        var r5 = first + IntrinsicMath.Min(5, last) * depth;
        for (var i = 0; i < Rows * Channels; i++)
            sums[i] = 0;
        for (var c = 0; c < depth; c++)
        {
            var at = firstW + c * Channels;
            var x0 = a[first + c];
            var x1 = a[r1 + c];
            var x2 = a[r2 + c];
            var x3 = a[r3 + c];
            var x4 = a[r4 + c];
            var x5 = a[r5 + c];
            for (var k = 0; k < Channels; k++)
            {
                var weight = w[at + k];
                sums[k] += x0 * weight;
                sums[Channels + k] += x1 * weight;
                sums[2 * Channels + k] += x2 * weight;
                sums[3 * Channels + k] += x3 * weight;
                sums[4 * Channels + k] += x4 * weight;
                sums[5 * Channels + k] += x5 * weight;
            }
        }
    }

    /// <summary>Ends a row of the tile: f(sums + bias + residual) for an output pixel's channels from k on.</summary>
    public static void Finish(
        ArrayView<float> sums, int first, ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes, int pixel, int k,
        int channels, ArrayView<float> output)
    {
        var to = pixel * sizes.OutputC + k;
        var (n, y, x) = sizes.OutputAt(pixel);
        var from = sizes.ResidualAt(n, y, x) + k;
        // The usual case has a constant length, so that it is vectorised.
        if (channels == Channels && sizes.Activation <= Activation.Relu)
        {
            var least = sizes.Activation == Activation.Relu ? 0 : float.MinValue;
            for (var i = 0; i < Channels; i++)
            {
                var sum = sums[first + i] + bias[k + i];
                if (sizes.Residual != Residual.None)
                    sum += residual[from + i];
                output[to + i] = sum < least ? least : sum;
            }
            return;
        }
        for (var i = 0; i < channels; i++)
        {
            var sum = sums[first + i] + bias[k + i];
            if (sizes.Residual != Residual.None)
                sum += residual[from + i];
            output[to + i] = Activate.Value(sum, sizes.Activation);
        }
    }
}
