using System.Runtime.CompilerServices;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of weights on a CPU, by the same tile as the forward pass (<see cref="SimdTile"/>). The tile's rows are 12 of the
/// contiguous values under a row of the window, (kx, c), and its columns are 32 output channels. Its inner loop runs over pixels.
/// <code>
/// sums[ky, (kx, c), k] += Σ pixels of a chunk  in[pixel + ky, (kx, c)] · dout[pixel, k]
/// </code>
/// A chunk of about 100 pixels of dout is packed, 32 channels wide, and stays in the first-level cache while all tiles use it. What the
/// chunk sees of the input is copied, too, with the zeros around it. Where each pixel sees one contiguous run of values, only the values
/// of the part's tiles are copied: read in place, pixels far apart would each miss the cache for a few values. The sums of a block of
/// output channels stay in the second-level cache. (Without AVX-512 the tile is 6 × 16.)
/// </summary>
internal static unsafe partial class SimdBackwardWeights
{
    [ThreadStatic]
    private static SimdScratch? scratch;

    /// <summary>Launches the kernels; called by <see cref="ConvolutionBackwardWeights"/>, which has checked the sizes.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="sizes">The sizes of the forward convolution.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">dout, [N, OH, OW, K].</param>
    /// <param name="weightGradient">dw, [K, C / groups, kh, kw].</param>
    /// <param name="accumulate">Whether to add to dw instead of overwriting it.</param>
    public static void Run(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> outputGradient, ArrayView<float> weightGradient,
        bool accumulate)
    {
        sizes = sizes.FlattenPointwise();
        var plan = Plan.Of(sizes, device.Threads);
        var isSplit = plan.Splits > 1;
        using var partial = isSplit ? device.Rent<float>(plan.Splits * weightGradient.Length) : null;
        device.Launch(
            Kernel, plan.Parts(sizes.ChannelGroups), input, outputGradient, sizes, plan, accumulate && !isSplit ? 1 : 0,
            partial?.View ?? weightGradient);
        if (isSplit)
            PartialSums.Combine(device, partial!.View, plan.Splits, accumulate, weightGradient);
    }

    /// <summary>
    /// One thread = some tiles of a block of output channels, over some chunks of pixels.
    /// </summary>
    [CpuKernel]
    internal static void Kernel(
        Index1D part, ArrayView<float> input, ArrayView<float> outputGradient, ConvolutionSizes sizes, Plan plan, int accumulate,
        ArrayView<float> sums)
        => Compute(input, outputGradient, sizes, plan, part, accumulate, sums);

    [IntrinsicImplementation]
    private static void Compute(
        ArrayView<float> input, ArrayView<float> outputGradient, ConvolutionSizes sizes, Plan plan, int part, int accumulate,
        ArrayView<float> sums)
    {
        fixed (float* x = &input[0], d = &outputGradient[0], o = &sums[0])
            Part(x, d, sizes, plan, part, accumulate != 0, o);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Part(
        float* input, float* outputGradient, in ConvolutionSizes s, in Plan plan, int part, bool accumulate, float* output)
    {
        var blockParts = Division.CeilDiv(plan.Blocks, plan.BlocksAtOnce);
        var range = part % plan.Ranges;
        var firstBlock = part / plan.Ranges % blockParts * plan.BlocksAtOnce;
        var blocks = Math.Min(plan.BlocksAtOnce, plan.Blocks - firstBlock);
        var group = part / plan.Ranges / blockParts % s.ChannelGroups;
        var split = part / plan.Ranges / blockParts / s.ChannelGroups;
        var (firstTile, endTile) = (Share(plan.Tiles, range, plan.Ranges), Share(plan.Tiles, range + 1, plan.Ranges));
        var firstK = group * s.ChannelGroupOutputC + firstBlock * SimdTile.Channels;
        var channels = Math.Min(blocks * SimdTile.Channels, s.ChannelGroupOutputC - firstBlock * SimdTile.Channels);

        var tileLength = SimdTile.Pixels * SimdTile.Channels;
        var blockLength = (endTile - firstTile) * tileLength;
        var chunkLength = plan.Pictures * plan.ChunkH * plan.ChunkW * SimdTile.Channels;
        // A tile at the end of a run reads a few values beyond it.
        var copyLength = plan.CopyLength(s, endTile - firstTile) + SimdTile.Pixels;
        var sums = (scratch ??= new SimdScratch()).Of(blocks * blockLength + chunkLength + copyLength);
        var packed = sums + blocks * blockLength;
        var copy = packed + chunkLength;
        new Span<float>(sums, blocks * blockLength).Clear();
        for (var chunk = Share(plan.Chunks, split, plan.Splits); chunk < Share(plan.Chunks, split + 1, plan.Splits); chunk++)
        {
            var at = plan.ChunkAt(s, chunk);
            var firstValue = firstTile * SimdTile.Pixels;
            var values = Math.Min(endTile * SimdTile.Pixels, plan.RowLength) - firstValue;
            if (plan.IsOneRun != 0)
                CopyPixels(input + group * s.ChannelGroupInputC + firstValue, s, at, values, copy);
            else
                CopyWithBorder(input + group * s.ChannelGroupInputC, s, at, copy);
            var spanX = SpanX(s, at.W);
            for (var b = 0; b < blocks; b++)
            {
                var k = b * SimdTile.Channels;
                Pack(outputGradient + firstK + k, s, at, Math.Min(SimdTile.Channels, channels - k), packed);
                for (var tile = firstTile; tile < endTile; tile++)
                {
                    var (ky, kx, m) = plan.TileAt(tile);
                    var walk = plan.IsOneRun != 0
                        ? new TileWalk(copy + m - firstValue, 1, 1, 0, 1, 0, at.Pictures * at.H * at.W, valueStep: values)
                        : Walk(copy + (ky * s.DilationY * spanX + kx * s.DilationX) * s.ChannelGroupInputC + m, s, at, spanX);
                    SimdTile.Multiply(
                        walk, packed, sums + b * blockLength + (tile - firstTile) * tileLength, accumulate: true, plan.RowLength - m,
                        SimdTile.Channels);
                }
            }
        }
        var window = s.ChannelGroupInputC * s.KernelH * s.KernelW;
        output += ((long)split * s.OutputC + firstK) * window;
        for (var k = 0; k < channels; k++, output += window)
        {
            Store(
                sums + k / SimdTile.Channels * blockLength + k % SimdTile.Channels, s, plan, firstTile, endTile, accumulate, output);
        }
    }

    /// <summary>Returns where the i-th of some equal parts begins.</summary>
    private static int Share(int whole, int i, int parts) => (int)((long)whole * i / parts);

    /// <summary>Stores the sums of one output channel in [C / groups, kh, kw].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store(
        float* sums, in ConvolutionSizes s, in Plan plan, int firstTile, int endTile, bool accumulate, float* output)
    {
        var places = s.KernelH * s.KernelW;
        for (var tile = firstTile; tile < endTile; tile++, sums += SimdTile.Pixels * SimdTile.Channels)
        {
            var (ky, kx, m) = plan.TileAt(tile);
            var rows = Math.Min(SimdTile.Pixels, plan.RowLength - m);
            var c = m % s.ChannelGroupInputC;
            var place = ky * s.KernelW + kx + m / s.ChannelGroupInputC;
            for (var row = 0; row < rows; row++, c++)
            {
                if (c == s.ChannelGroupInputC)
                    (c, place) = (0, place + 1);
                var to = output + (nint)c * places + place;
                var sum = sums[row * SimdTile.Channels];
                *to = accumulate ? *to + sum : sum;
            }
        }
    }
}
