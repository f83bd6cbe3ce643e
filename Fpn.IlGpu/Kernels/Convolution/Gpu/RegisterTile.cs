using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The convolution in float32 on a GPU: each group of 128 threads computes 128 pixels × 64 output channels, and each thread 8 × 8 of
/// them in registers. It gains over <see cref="SharedTile"/> in three ways. 16 values read from shared memory serve 64 multiply-adds
/// instead of 2 serving one, which keeps the arithmetic units busy. All loads are 16 bytes wide. And while one step computes, the values
/// of the next are already being loaded: shared memory has two halves, so that a step needs only one barrier.
/// </summary>
/// <remarks>
/// In shared memory the pixels' values are transposed, [8, 128 + 4], so that a thread reads its pixels four at a time. The 4 extra
/// columns put the two quads that neighbouring lanes write 16 banks apart. A thread's eight pixels are two fours, half a tile apart, and
/// so are its eight channels: the lanes of a warp then read neighbouring addresses, without bank conflicts.
/// </remarks>
internal static class RegisterTile
{
    private const int TilePixels = 128;
    private const int TileChannels = 64;
    private const int StepDepth = 8;
    private const int Threads = 128;

    private const int QuadsOfStep = StepDepth / 4;
    private const int PixelPitch = (TilePixels + 4) / 4;
    private const int ChannelPitch = TileChannels / 4;

    private const int SharedBytes = 2 * StepDepth * (PixelPitch + ChannelPitch) * 16;

    /// <summary>The thread group and its tile.</summary>
    public static GroupShape Shape { get; } =
        new(TilePixels, TileChannels, StepDepth, Threads, SharedBytes, GroupsPerMultiprocessor: 4);

    /// <summary>One thread = 8 × 8 outputs: 8 pixels m × 8 channels k.</summary>
    [GroupedKernel]
    internal static void Kernel(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual, ArrayView<int> liveRows,
        ConvolutionSizes sizes, GroupTiling tiling, ArrayView<float> output)
    {
        var pixels = SharedMemory.Allocate<Float4>(2 * StepDepth * PixelPitch);
        var channels = SharedMemory.Allocate<Float4>(2 * StepDepth * ChannelPitch);
        var at = GroupPosition.OfThisGroup(sizes, tiling);
        // Either the whole group returns before its first barrier, or none of it.
        if (tiling.HasLiveRows != 0 && at.FirstPixel >= liveRows[0])
            return;

        // What this thread loads: one quad of values of two pixels, and four weights.
        var thread = Group.IdxX;
        var quad = thread % QuadsOfStep;
        var loaded = thread / QuadsOfStep;
        var reader = WindowReader.Of(at.FirstPixel + loaded, tiling.Pixels, at.ChannelGroup, sizes);
        var reader64 = WindowReader.Of(at.FirstPixel + loaded + TilePixels / 2, tiling.Pixels, at.ChannelGroup, sizes);
        var firstStep = at.Split * tiling.SplitSteps;
        var steps = IntrinsicMath.Min(tiling.SplitSteps, (tiling.Depth + StepDepth - 1) / StepDepth - firstStep);
        var place = WindowPlace.Of(firstStep * StepDepth + quad * 4, sizes);
        var packed = weights.Cast<Float4>();
        var weight = tiling.WeightsAt(at) / 4 + firstStep * (StepDepth * ChannelPitch) + thread;

        // What this thread computes: two fours of pixels × two fours of channels.
        var pixel = thread / (ChannelPitch / 2);
        var channel = thread % (ChannelPitch / 2);
        var sums = default(TileSums);

        var x = reader.ReadFour(input, place, sizes, tiling.InputByFours);
        var x64 = reader64.ReadFour(input, place, sizes, tiling.InputByFours);
        var w = packed[weight];
        for (var step = 0; step < steps; step++)
        {
            // No thread reads this half any more: all have passed the barrier of the step that used the other half.
            var half = step % 2 * StepDepth;
            WriteTransposed(pixels, half + quad * 4, loaded, x);
            WriteTransposed(pixels, half + quad * 4, loaded + TilePixels / 2, x64);
            channels[half * ChannelPitch + thread] = w;
            Group.Barrier();
            if (step + 1 < steps)
            {
                place = place.Skip(StepDepth, sizes);
                weight += StepDepth * ChannelPitch;
                x = reader.ReadFour(input, place, sizes, tiling.InputByFours);
                x64 = reader64.ReadFour(input, place, sizes, tiling.InputByFours);
                w = packed[weight];
            }
            sums = Multiply(pixels, channels, half, pixel, channel, sums);
            sums = Multiply(pixels, channels, half + 1, pixel, channel, sums);
            sums = Multiply(pixels, channels, half + 2, pixel, channel, sums);
            sums = Multiply(pixels, channels, half + 3, pixel, channel, sums);
            sums = Multiply(pixels, channels, half + 4, pixel, channel, sums);
            sums = Multiply(pixels, channels, half + 5, pixel, channel, sums);
            sums = Multiply(pixels, channels, half + 6, pixel, channel, sums);
            sums = Multiply(pixels, channels, half + 7, pixel, channel, sums);
        }
        for (var row = 0; row < 8; row++)
        {
            var m = at.FirstPixel + pixel * 4 + row % 4 + row / 4 * (TilePixels / 2);
            StoreRow(bias, residual, sizes, tiling, at, m, channel, sums.P0, output);
            // Rotates the next row to the front: registers can't be indexed, and eight copies of the code above would be long.
            sums = new TileSums(sums.P1, sums.P2, sums.P3, sums.P4, sums.P5, sums.P6, sums.P7, sums.P0);
        }
    }

    private static void WriteTransposed(ArrayView<Float4> pixels, int row, int column, Float4 x)
    {
        var floats = pixels.Cast<float>();
        var at = row * (PixelPitch * 4) + column;
        floats[at] = x.X;
        floats[at + PixelPitch * 4] = x.Y;
        floats[at + PixelPitch * 8] = x.Z;
        floats[at + PixelPitch * 12] = x.W;
    }

    private static TileSums Multiply(
        ArrayView<Float4> pixels, ArrayView<Float4> channels, int row, int pixel, int channel, TileSums sums)
    {
        var x = row * PixelPitch + pixel;
        var w = row * ChannelPitch + channel;
        return sums.Add(pixels[x], pixels[x + TilePixels / 8], new RowSums(channels[w], channels[w + ChannelPitch / 2]));
    }

    private static void StoreRow(
        ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes, GroupTiling tiling, GroupPosition at, int m,
        int channel, RowSums sums, ArrayView<float> output)
    {
        var row = OutputRow.Of(m, at, sizes, tiling);
        var k = at.ChannelTile * TileChannels + channel * 4;
        GroupOutput.StoreFour(bias, residual, sizes, tiling, row, k, sums.Low, output);
        GroupOutput.StoreFour(bias, residual, sizes, tiling, row, k + TileChannels / 2, sums.High, output);
    }
}
