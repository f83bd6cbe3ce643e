using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The convolution as an implicit matrix product (see <see cref="GroupTiling"/>), in tiles that a thread group loads into shared memory
/// together. It gains over <see cref="NaiveConvolution"/> because each value is read from device memory once for 16 outputs, not once
/// for each. It still reads two values from shared memory for one multiply-add, which <see cref="RegisterTile"/> improves on.
/// </summary>
internal static class SharedTile
{
    private const int TilePixels = 16;
    private const int TileChannels = 16;
    private const int StepDepth = 16;
    private const int Threads = TilePixels * TileChannels;

    // One extra value per row, so that the threads that read a column of values use different banks.
    private const int Pitch = StepDepth + 1;

    private const int SharedBytes = (TilePixels * Pitch + StepDepth * TileChannels) * sizeof(float);

    /// <summary>The thread group and its tile.</summary>
    public static GroupShape Shape { get; } =
        new(TilePixels, TileChannels, StepDepth, Threads, SharedBytes, GroupsPerMultiprocessor: 8);

    /// <summary>One thread = one output (m, k): pixel m, channel k.</summary>
    [GroupedKernel]
    internal static void Kernel(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual, ArrayView<int> liveRows,
        ConvolutionSizes sizes, GroupTiling tiling, ArrayView<float> output)
    {
        var pixels = SharedMemory.Allocate<float>(TilePixels * Pitch);
        var channels = SharedMemory.Allocate<float>(StepDepth * TileChannels);
        var at = GroupPosition.OfThisGroup(sizes, tiling);
        // Either the whole group returns before its first barrier, or none of it.
        if (tiling.HasLiveRows != 0 && at.FirstPixel >= liveRows[0])
            return;

        var thread = Group.IdxX;
        var row = thread / TileChannels;
        var column = thread % TileChannels;
        var reader = WindowReader.Of(at.FirstPixel + row, tiling.Pixels, at.ChannelGroup, sizes);
        var firstStep = at.Split * tiling.SplitSteps;
        var steps = IntrinsicMath.Min(tiling.SplitSteps, (tiling.Depth + StepDepth - 1) / StepDepth - firstStep);
        var place = WindowPlace.Of(firstStep * StepDepth + column, sizes);
        var weight = tiling.WeightsAt(at) + firstStep * (StepDepth * TileChannels) + thread;
        var sum = 0f;
        for (var step = 0; step < steps; step++)
        {
            pixels[row * Pitch + column] = reader.Read(input, place, sizes);
            channels[thread] = weights[weight + step * (StepDepth * TileChannels)];
            place = place.Skip(StepDepth, sizes);
            Group.Barrier();
            for (var d = 0; d < StepDepth; d++)
                sum += pixels[row * Pitch + d] * channels[d * TileChannels + column];
            // The next step must not overwrite what another thread still reads.
            Group.Barrier();
        }
        var outputRow = OutputRow.Of(at.FirstPixel + row, at, sizes, tiling);
        GroupOutput.StoreOne(bias, residual, sizes, tiling, outputRow, at.ChannelTile * TileChannels + column, sum, output);
    }
}
