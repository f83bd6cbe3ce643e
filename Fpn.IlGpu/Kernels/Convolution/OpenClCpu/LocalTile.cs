using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The tile of CPUs through OpenCL: sums[p, k] += Σ c  a[p, c] · w[c, k] for a few rows of a matrix and 16 columns. Its loops
/// over p and k have constant length and no branches, so that the driver's compiler unrolls them, keeps the sums in vector
/// registers, and multiplies 16 columns by one instruction.
/// </summary>
internal static class LocalTile
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 6;

    /// <summary>Columns of a tile, and output channels of a block of packed weights.</summary>
    public const int Channels = 16;

    /// <summary>Multiplies into sums of its own; rows beyond the last are read as the last, and mean nothing.</summary>
    /// <param name="a">Any number of rows of depth values.</param>
    /// <param name="first">Where the tile's first row begins.</param>
    /// <param name="rows">How many rows there are, at least one.</param>
    /// <param name="depth">Values of a row.</param>
    /// <param name="w">[depth, 16], from a value on.</param>
    /// <param name="firstW">That value.</param>
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

    /// <summary>Finishes a row of the tile: f(sums + bias + residual) of an output pixel's channels from k on.</summary>
    public static void Finish(
        ArrayView<float> sums, int first, ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes, int pixel, int k,
        int channels, ArrayView<float> output)
    {
        var to = pixel * sizes.OutputC + k;
        var (n, y, x) = sizes.OutputAt(pixel);
        var from = sizes.ResidualAt(n, y, x) + k;
        // The usual case has a constant length.
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
