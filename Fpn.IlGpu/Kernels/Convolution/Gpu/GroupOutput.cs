using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The epilogue of the grouped kernels: bias, residual, activation and store. Where the depth is split, each part's sums are stored as
/// they are; <see cref="AddPartsKernel"/> then adds the parts, always in the same order.
/// </summary>
internal static class GroupOutput
{
    /// <summary>Ends one output.</summary>
    /// <param name="bias">[K].</param>
    /// <param name="residual">[N, OH, OW, K], or the coarser map.</param>
    /// <param name="sizes">The convolution's sizes.</param>
    /// <param name="tiling">How thread groups share it.</param>
    /// <param name="row">The output pixel; nothing is stored past the last one.</param>
    /// <param name="k">The channel within its channel group; nothing is stored past the last one.</param>
    /// <param name="sum">The sum of the products.</param>
    /// <param name="output">[N, OH, OW, K], or [splits, N, OH, OW, K] where the depth is split.</param>
    public static void StoreOne(
        ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes, GroupTiling tiling, OutputRow row, int k, float sum,
        ArrayView<float> output)
    {
        if (row.Output < 0 || k >= sizes.ChannelGroupOutputC)
            return;
        if (tiling.Ends != 0)
        {
            sum += bias[row.Channel + k];
            if (sizes.Residual != Residual.None)
                sum += residual[row.Residual + k];
            sum = Activate.Value(sum, sizes.Activation);
        }
        output[row.Output + k] = sum;
    }

    /// <summary>Ends four neighbouring channels, in one access where alignment allows it; k is a multiple of four.</summary>
    public static void StoreFour(
        ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes, GroupTiling tiling, OutputRow row, int k, Float4 sums,
        ArrayView<float> output)
    {
        if (tiling.OutputByFours == 0)
        {
            for (var i = 0; i < 4; i++)
            {
                StoreOne(bias, residual, sizes, tiling, row, k + i, sums.X, output);
                // Rotates the next sum to the front, because registers can't be indexed.
                sums = new Float4(sums.Y, sums.Z, sums.W, sums.X);
            }
            return;
        }
        if (row.Output < 0 || k >= sizes.ChannelGroupOutputC)
            return;
        if (tiling.Ends != 0)
        {
            sums = sums.Plus(bias.Cast<Float4>()[(row.Channel + k) / 4]);
            if (sizes.Residual != Residual.None)
                sums = sums.Plus(residual.Cast<Float4>()[(row.Residual + k) / 4]);
            sums = Activate.Four(sums, sizes.Activation);
        }
        output.Cast<Float4>()[(row.Output + k) / 4] = sums;
    }

    /// <summary>One thread = one output: the sum of its parts, then bias, residual and activation.</summary>
    internal static void AddPartsKernel(
        Index1D index, ArrayView<float> parts, ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes, int splits,
        ArrayView<float> output)
    {
        var length = output.IntLength;
        var sum = parts[index];
        for (var split = 1; split < splits; split++)
            sum += parts[split * length + index];
        sum += bias[index % sizes.OutputC];
        if (sizes.Residual != Residual.None)
            sum += residual[OutputRow.ResidualAt(index / sizes.OutputC, sizes) + index % sizes.OutputC];
        output[index] = Activate.Value(sum, sizes.Activation);
    }
}

/// <summary>The output pixel that sums belong to, within a channel group.</summary>
/// <param name="Output">Index of the output's first value, or −1 past the last pixel.</param>
/// <param name="Residual">Index of the residual's first value.</param>
/// <param name="Channel">The first channel of the channel group.</param>
internal readonly record struct OutputRow(int Output, int Residual, int Channel)
{
    /// <summary>Returns the row of the m-th pixel.</summary>
    public static OutputRow Of(int m, GroupPosition at, ConvolutionSizes sizes, GroupTiling tiling)
    {
        var channel = at.ChannelGroup * sizes.ChannelGroupOutputC;
        return new OutputRow(
            m < tiling.Pixels ? (at.Split * tiling.Pixels + m) * sizes.OutputC + channel : -1, ResidualAt(m, sizes) + channel, channel);
    }

    /// <summary>Returns the index of the first value that is added to the m-th pixel.</summary>
    public static int ResidualAt(int m, ConvolutionSizes sizes) => sizes.Residual == Kernels.Residual.Upsampled
        ? sizes.ResidualAt(m / sizes.OutputW / sizes.OutputH, m / sizes.OutputW % sizes.OutputH, m % sizes.OutputW)
        : m * sizes.OutputC;
}
