using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>A group of threads of a kernel, and what it computes.</summary>
/// <param name="Pixels">Pixels of its tile.</param>
/// <param name="Channels">Output channels of its tile, the width of a block of packed weights.</param>
/// <param name="StepDepth">Values of each pixel that a step brings into shared memory.</param>
/// <param name="Threads">Its threads.</param>
/// <param name="SharedBytes">The memory that they share.</param>
/// <param name="GroupsPerMultiprocessor">Groups that keep a multiprocessor busy while some of them wait for memory.</param>
internal sealed record GroupShape(
    int Pixels, int Channels, int StepDepth, int Threads, int SharedBytes, int GroupsPerMultiprocessor);

/// <summary>
/// How groups of threads share a convolution as a matrix product, [M, D] × [D, K]: M = N·OH·OW pixels, D = kh·kw·C / groups
/// values that each of them sees, and K output channels. The first matrix is never made, but read from the input as if it
/// were there (an <i>implicit</i> product). The grid is tiles of M and K, K first, as groups that run at the same time
/// then read the same input × groups of channels × parts of D.
/// </summary>
/// <param name="Pixels">M.</param>
/// <param name="Depth">D.</param>
/// <param name="TilePixels">Pixels of a tile.</param>
/// <param name="TileChannels">Output channels of a tile, the width of a block of packed weights.</param>
/// <param name="StepDepth">Values of D that a step brings into shared memory.</param>
/// <param name="SplitSteps">Steps of a part of D.</param>
/// <param name="InputByFours">1 where the input can be read four channels at a time.</param>
/// <param name="OutputByFours">1 where the output can be written four channels at a time.</param>
internal readonly record struct GroupTiling(
    int Pixels, int Depth, int TilePixels, int TileChannels, int StepDepth, int SplitSteps, int InputByFours, int OutputByFours)
{
    // A part of fewer values would cost more to add up than it wins.
    private const int LeastSplitDepth = 128;
    private const int MostSplits = 32;

    /// <summary>1 where only the device knows how many pixels count.</summary>
    public int HasLiveRows { get; init; }

    /// <summary>Parts that D is split into.</summary>
    public int Splits { get; init; } = 1;

    /// <summary>1 where the sums end the layer, with bias, residual and activation; else they are stored as they are.</summary>
    public int Ends { get; init; } = 1;

    /// <summary>Weights from one group of channels to the next.</summary>
    public required int GroupPitch { get; init; }

    /// <summary>Weights from one tile of output channels to the next.</summary>
    public required int TilePitch { get; init; }

    /// <summary>
    /// Plans a launch. Where the tiles are too few to fill the device, as on the small maps at a pyramid's top, D is split, so
    /// that there are groups enough.
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

    /// <summary>Plans a launch of the products of <see cref="GpuWinograd"/>, whose weights are [tiles, 36, C, channels].</summary>
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

    /// <summary>The launch.</summary>
    public KernelConfig Groups(ConvolutionSizes sizes, int threads)
        => new(new Index3D(Division.CeilDiv(Pixels, TilePixels) * ChannelTiles(sizes), sizes.ChannelGroups, Splits), new Index3D(threads, 1, 1));

    /// <summary>Tiles of the output channels of a group of channels.</summary>
    public int ChannelTiles(ConvolutionSizes sizes) => (sizes.ChannelGroupOutputC + TileChannels - 1) / TileChannels;

    /// <summary>The first weight of a group of threads. A tile's are [D, channels], with D filled up to whole steps.</summary>
    public int WeightsAt(GroupPosition at) => at.ChannelGroup * GroupPitch + at.ChannelTile * TilePitch;
}

/// <summary>Where a group of threads works.</summary>
/// <param name="FirstPixel">The first of its output pixels.</param>
/// <param name="ChannelGroup">Its group of channels.</param>
/// <param name="ChannelTile">Its tile of the group's output channels.</param>
/// <param name="Split">Its part of the depth.</param>
internal readonly record struct GroupPosition(int FirstPixel, int ChannelGroup, int ChannelTile, int Split)
{
    /// <summary>Of the thread that asks.</summary>
    public static GroupPosition OfThisGroup(ConvolutionSizes sizes, GroupTiling tiling)
    {
        var tiles = tiling.ChannelTiles(sizes);
        return new GroupPosition(Grid.IdxX / tiles * tiling.TilePixels, Grid.IdxY, Grid.IdxX % tiles, Grid.IdxZ);
    }
}
