using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>The thread groups of a kernel, and the tile that each computes.</summary>
/// <param name="Pixels">Pixels in a tile.</param>
/// <param name="Channels">Output channels in a tile, which is the width of a block of packed weights.</param>
/// <param name="StepDepth">Values of each pixel that a step loads into shared memory.</param>
/// <param name="Threads">Threads in a group.</param>
/// <param name="SharedBytes">Shared memory of a group, in bytes.</param>
/// <param name="GroupsPerMultiprocessor">Groups that keep a multiprocessor busy while some of them wait for memory.</param>
internal sealed record GroupShape(
    int Pixels, int Channels, int StepDepth, int Threads, int SharedBytes, int GroupsPerMultiprocessor);

/// <summary>
/// How thread groups share a convolution as a matrix product, [M, D] × [D, K]: M = N·OH·OW pixels, D = kh·kw·C / groups values that each
/// of them sees, and K output channels. The first matrix is never stored: it is read from the input as if it were (an <i>implicit</i>
/// product). The grid is tiles of M and K × channel groups × parts of D. Tiles of K change fastest, because groups that run at the same
/// time then read the same input.
/// </summary>
/// <param name="Pixels">M.</param>
/// <param name="Depth">D.</param>
/// <param name="TilePixels">Pixels in a tile.</param>
/// <param name="TileChannels">Output channels in a tile, which is the width of a block of packed weights.</param>
/// <param name="StepDepth">Values of D that a step loads into shared memory.</param>
/// <param name="SplitSteps">Steps in a part of D.</param>
/// <param name="InputByFours">1 where the input can be read four channels at a time; otherwise 0.</param>
/// <param name="OutputByFours">1 where the output can be written four channels at a time; otherwise 0.</param>
internal readonly record struct GroupTiling(
    int Pixels, int Depth, int TilePixels, int TileChannels, int StepDepth, int SplitSteps, int InputByFours, int OutputByFours)
{
    // Adding up a part of fewer values would cost more than it gains.
    private const int LeastSplitDepth = 128;
    private const int MostSplits = 32;

    /// <summary>1 where only the device knows how many pixels count; otherwise 0.</summary>
    public int HasLiveRows { get; init; }

    /// <summary>The number of parts that D is split into.</summary>
    public int Splits { get; init; } = 1;

    /// <summary>1 where bias, residual and activation end the layer here; 0 where the sums are stored as they are.</summary>
    public int Ends { get; init; } = 1;

    /// <summary>Step from one channel group's weights to the next, in values.</summary>
    public required int GroupPitch { get; init; }

    /// <summary>Step from the weights of one tile of output channels to the next, in values.</summary>
    public required int TilePitch { get; init; }

    /// <summary>
    /// Plans a launch. Where there are too few tiles to fill the device, as on the small maps at the top of a pyramid, D is split so that
    /// there are enough groups.
    /// </summary>
    public static GroupTiling Plan(
        Device device, GroupShape shape, ConvolutionSizes sizes, Tensor input, Tensor? residual, Tensor output)
    {
        var pixels = sizes.OutputN * sizes.OutputH * sizes.OutputW;
        var depth = sizes.KernelH * sizes.KernelW * sizes.ChannelGroupInputC;
        var inputByFours = sizes.ChannelGroupInputC % 4 == 0 && input.IsAligned;
        var outputByFours = sizes.ChannelGroupOutputC % 4 == 0 && output.IsAligned && (residual?.IsAligned ?? true);
        var steps = Division.CeilDiv(depth, shape.StepDepth);
        var tiles = Division.CeilDiv(pixels, shape.Pixels) * Division.CeilDiv(sizes.ChannelGroupOutputC, shape.Channels) * sizes.ChannelGroups;
        var busy = device.Limits.Multiprocessors * shape.GroupsPerMultiprocessor;
        var splits = Math.Min(busy / Math.Max(1, tiles), depth / LeastSplitDepth);
        var splitSteps = Division.CeilDiv(steps, Math.Clamp(splits, 1, MostSplits));
        var tilePitch = steps * shape.StepDepth * shape.Channels;
        return new GroupTiling(
            pixels, depth, shape.Pixels, shape.Channels, shape.StepDepth, splitSteps, inputByFours ? 1 : 0, outputByFours ? 1 : 0)
        {
            Splits = Division.CeilDiv(steps, splitSteps),
            Ends = splitSteps == steps ? 1 : 0,
            GroupPitch = Division.CeilDiv(sizes.ChannelGroupOutputC, shape.Channels) * tilePitch,
            TilePitch = tilePitch,
        };
    }

    /// <summary>Plans a launch of the products of <see cref="GpuWinograd"/>, whose weights are [tiles of K, 36, C, channels].</summary>
    public static GroupTiling OfWinograd(GroupShape shape, ConvolutionSizes products)
    {
        var steps = Division.CeilDiv(products.ChannelGroupInputC, shape.StepDepth);
        var groupPitch = steps * shape.StepDepth * shape.Channels;
        var outputByFours = products.ChannelGroupOutputC % 4 == 0;
        return new GroupTiling(
            products.OutputW, products.ChannelGroupInputC, shape.Pixels, shape.Channels, shape.StepDepth, steps, InputByFours: 1,
            outputByFours ? 1 : 0)
        {
            Ends = 0,
            GroupPitch = groupPitch,
            TilePitch = products.ChannelGroups * groupPitch,
        };
    }

    /// <summary>Returns the grid and the group size of the launch.</summary>
    public KernelConfig Groups(ConvolutionSizes sizes, int threads)
        => new(new Index3D(Division.CeilDiv(Pixels, TilePixels) * ChannelTiles(sizes), sizes.ChannelGroups, Splits), new Index3D(threads, 1, 1));

    /// <summary>Returns the number of tiles of output channels in a channel group.</summary>
    public int ChannelTiles(ConvolutionSizes sizes) => (sizes.ChannelGroupOutputC + TileChannels - 1) / TileChannels;

    /// <summary>Returns the index of a group's first weight. A tile's weights are [D, channels], with D padded to whole steps.</summary>
    public int WeightsAt(GroupPosition at) => at.ChannelGroup * GroupPitch + at.ChannelTile * TilePitch;
}

/// <summary>Where a thread group works.</summary>
/// <param name="FirstPixel">The first of its output pixels.</param>
/// <param name="ChannelGroup">Its channel group.</param>
/// <param name="ChannelTile">Its tile of the channel group's output channels.</param>
/// <param name="Split">Its part of the depth.</param>
internal readonly record struct GroupPosition(int FirstPixel, int ChannelGroup, int ChannelTile, int Split)
{
    /// <summary>Returns the position of the calling thread's group.</summary>
    public static GroupPosition OfThisGroup(ConvolutionSizes sizes, GroupTiling tiling)
    {
        var tiles = tiling.ChannelTiles(sizes);
        return new GroupPosition(Grid.IdxX / tiles * tiling.TilePixels, Grid.IdxY, Grid.IdxX % tiles, Grid.IdxZ);
    }
}
