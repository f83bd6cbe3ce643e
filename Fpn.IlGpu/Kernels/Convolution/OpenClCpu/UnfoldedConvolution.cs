using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Convolution and matrix product on CPUs through OpenCL, by <see cref="LocalTile"/>. For a part of the output at a time, the values that
/// each window sees are first copied side by side, including the zeros outside the map ("im2col"). What remains is a matrix product
/// without a branch:
/// <code>out[pixel, k] = f( bias[k] + residual[pixel, k] + Σ i  unfolded[pixel, i] · weights[i, k] )</code>
/// It is 10 to 15 times as fast as a tile that checks for the border while it multiplies. Where each output reads a single pixel,
/// nothing is copied.
/// </summary>
internal static class UnfoldedConvolution
{
    // Bytes that are unfolded at a time: they stay in a CPU's last-level cache.
    private const int UnfoldedBytes = 16 << 20;

    // Row tiles that a thread multiplies by the same weights.
    private const int TilesPerThread = 8;

    /// <summary>Launches the kernels; called by <see cref="Convolution"/>, which has checked the sizes.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="sizes">All sizes.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="weights">[blocks of K, kh, kw, C / groups, 16].</param>
    /// <param name="bias">[K].</param>
    /// <param name="residual">[N, OH, OW, K], or the coarser map; not read if there is none.</param>
    /// <param name="output">[N, OH, OW, K].</param>
    public static void Run(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias,
        ArrayView<float> residual, ArrayView<float> output)
    {
        var pixels = sizes.OutputN * sizes.OutputH * sizes.OutputW;
        var depth = sizes.KernelH * sizes.KernelW * sizes.ChannelGroupInputC;
        using var all = device.Upload<int>([pixels]);
        if (sizes.ChannelGroups == 1 && sizes.ReadsOnePixel)
        {
            var part = new Part(0, 0, pixels, pixels);
            device.LaunchGroups(
                ProductKernel, Groups(part, sizes), input, weights, bias, residual, all.View, sizes, part, output);
            return;
        }
        var atOnce = Math.Min(Math.Max(LocalTile.Rows, UnfoldedBytes / sizeof(float) / depth / LocalTile.Rows * LocalTile.Rows), pixels);
        using var unfolded = device.Rent<float>((long)atOnce * depth);
        for (var group = 0; group < sizes.ChannelGroups; group++)
        {
            for (var first = 0; first < pixels; first += atOnce)
            {
                var part = new Part(group, first, Math.Min(atOnce, pixels - first), pixels);
                device.LaunchGroups(UnfoldKernel, new KernelConfig(part.Count, 1), input, sizes, part, unfolded.View);
                device.LaunchGroups(
                    ProductKernel, Groups(part, sizes), unfolded.View, weights, bias, residual, all.View, sizes, part, output);
            }
        }
    }

    /// <summary>Launches a matrix product; called by <see cref="MatrixProduct"/>, which has checked the sizes.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="sizes">All sizes, with the M rows as the pixels of one row.</param>
    /// <param name="input">[M, C].</param>
    /// <param name="weights">[blocks of K, C, 16].</param>
    /// <param name="bias">[K].</param>
    /// <param name="liveRows">[1]: how many of the M rows count.</param>
    /// <param name="output">[M, K].</param>
    public static void RunProduct(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias,
        ArrayView<int> liveRows, ArrayView<float> output)
    {
        var part = new Part(0, 0, sizes.OutputW, sizes.OutputW);
        device.LaunchGroups(ProductKernel, Groups(part, sizes), input, weights, bias, output, liveRows, sizes, part, output);
    }

    private static KernelConfig Groups(Part part, in ConvolutionSizes sizes)
        => new(Division.CeilDiv(part.Count, TilesPerThread * LocalTile.Rows) * Division.CeilDiv(sizes.ChannelGroupOutputC, LocalTile.Channels), 1);

    /// <summary>One thread = one output pixel: copies all values of a channel group that its window sees.</summary>
    [OpenClCpuKernel]
    internal static void UnfoldKernel(ArrayView<float> input, ConvolutionSizes sizes, Part part, ArrayView<float> unfolded)
    {
        var pixel = part.First + Grid.IdxX;
        var (n, y, x) = sizes.OutputAt(pixel);
        var to = Grid.IdxX * sizes.KernelH * sizes.KernelW * sizes.ChannelGroupInputC;
        for (var ky = 0; ky < sizes.KernelH; ky++)
        {
            var iy = y * sizes.StrideY - sizes.PaddingY + ky * sizes.DilationY;
            for (var kx = 0; kx < sizes.KernelW; kx++)
            {
                var ix = x * sizes.StrideX - sizes.PaddingX + kx * sizes.DilationX;
                var inside = iy >= 0 && iy < sizes.InputH && ix >= 0 && ix < sizes.InputW;
                var from = ((n * sizes.InputH + iy) * sizes.InputW + ix) * sizes.InputC + part.Group * sizes.ChannelGroupInputC;
                for (var c = 0; c < sizes.ChannelGroupInputC; c++)
                    unfolded[to + c] = inside ? input[from + c] : 0;
                to += sizes.ChannelGroupInputC;
            }
        }
    }

    /// <summary>One thread = some row tiles × 16 output channels.</summary>
    [OpenClCpuKernel]
    internal static void ProductKernel(
        ArrayView<float> a, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual, ArrayView<int> liveRows,
        ConvolutionSizes sizes, Part part, ArrayView<float> output)
    {
        var sums = LocalMemory.Allocate1D<float>(LocalTile.Rows * LocalTile.Channels);
        // Neighbouring threads read the same rows, which are still in the cache.
        var blocks = (sizes.ChannelGroupOutputC + LocalTile.Channels - 1) / LocalTile.Channels;
        var block = Grid.IdxX % blocks;
        var firstRow = Grid.IdxX / blocks * TilesPerThread * LocalTile.Rows;
        var endRow = IntrinsicMath.Min(firstRow + TilesPerThread * LocalTile.Rows, part.Count);
        endRow = IntrinsicMath.Min(endRow, liveRows[0] - part.First);
        var depth = sizes.KernelH * sizes.KernelW * sizes.ChannelGroupInputC;
        var weight = (part.Group * blocks + block) * depth * LocalTile.Channels;
        var k = block * LocalTile.Channels;
        var channels = IntrinsicMath.Min(LocalTile.Channels, sizes.ChannelGroupOutputC - k);
        k += part.Group * sizes.ChannelGroupOutputC;
        for (var row = firstRow; row < endRow; row += LocalTile.Rows)
        {
            LocalTile.Multiply(a, row * depth, endRow - row, depth, weights, weight, sums);
            var rows = IntrinsicMath.Min(LocalTile.Rows, endRow - row);
            for (var r = 0; r < rows; r++)
                LocalTile.Finish(sums, r * LocalTile.Channels, bias, residual, sizes, part.First + row + r, k, channels, output);
        }
    }

    /// <summary>A part of the output.</summary>
    /// <param name="Group">The channel group.</param>
    /// <param name="First">The first output pixel.</param>
    /// <param name="Count">The number of pixels.</param>
    /// <param name="All">The number of pixels in the whole output.</param>
    internal readonly record struct Part(int Group, int First, int Count, int All);
}
