using System.Runtime.CompilerServices;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// What one CPU thread computes of a convolution: tile after tile of a segment of an output row, for some blocks of output channels. A
/// tile reads the input in place. Only where its columns cross the map's border does it read a copy of the few pixels around it, padded
/// with zeros. Rows outside the map are skipped.
/// </summary>
internal static unsafe class SimdConvolution
{
    // Where the weights of a single block are too large for the cache, the sums are accumulated slice by slice of the depth, so that a
    // slice of the weights stays in the cache while all tiles of the segment use it.
    private const int LargestBlockBytes = 1_200_000;
    private const int SlicedDepth = 512;

    // Floats in a cache line.
    private const int MostAhead = 16;

    [ThreadStatic]
    private static SimdScratch? accumulators;

    [ThreadStatic]
    private static SimdScratch? border;

    /// <summary>Computes the segment at a position. All pointers are to the first value of a whole tensor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        float* input, float* weights, float* bias, float* residual, in ConvolutionSizes sizes, TilePosition at, float* output)
    {
        var (tilePixels, tileChannels) = (SimdTile.Pixels, SimdTile.Channels);
        var segment = Math.Min(sizes.Tiling.SegmentPixels, sizes.OutputW - at.X);
        var tiles = Division.CeilDiv(segment, tilePixels);
        var blocks = Math.Min(sizes.Tiling.BlocksPerThread, sizes.ChannelGroups * sizes.BlocksPerChannelGroup - at.Block);
        var groupDepth = sizes.KernelH * sizes.KernelW * sizes.ChannelGroupInputC;
        var sliceDepth = SliceDepth(sizes);
        var oneSlice = sliceDepth == groupDepth;
        // All blocks share the copies of tiles at the border.
        var copyLength = sizes.KernelH * SpanX(sizes, tilePixels) * Math.Min(sizes.ChannelGroupInputC, sliceDepth);
        var copies = (border ??= new SimdScratch()).Of(tiles * copyLength);
        var sums = (accumulators ??= new SimdScratch()).Of((oneSlice ? 1 : blocks * tiles) * tilePixels * tileChannels);

        for (var slice = 0; slice < groupDepth; slice += sliceDepth)
        {
            var depth = oneSlice ? sizes.ChannelGroupInputC : Math.Min(sliceDepth, groupDepth - slice);
            for (var b = 0; b < blocks; b++)
            {
                var block = at.Block + b;
                var group = block / sizes.BlocksPerChannelGroup;
                var groupK = (block - group * sizes.BlocksPerChannelGroup) * tileChannels;
                var channels = Math.Min(tileChannels, sizes.ChannelGroupOutputC - groupK);
                var isFirst = b == 0 || group != (block - 1) / sizes.BlocksPerChannelGroup;
                var c = group * sizes.ChannelGroupInputC + (oneSlice ? 0 : slice);
                var w = weights + ((long)block * groupDepth + slice) * tileChannels;
                for (var t = 0; t < tiles; t++)
                {
                    var x = at.X + t * tilePixels;
                    var pixels = Math.Min(tilePixels, sizes.OutputW - x);
                    var sum = oneSlice ? sums : sums + (b * tiles + t) * tilePixels * tileChannels;
                    var walk = FindInput(
                        input, sizes, at with { X = x }, pixels, c, depth, copies + t * copyLength, isFirst, t + 1 < tiles,
                        out var firstRow);
                    SimdTile.Multiply(
                        walk, w + firstRow * sizes.KernelW * depth * tileChannels, sum, accumulate: slice > 0, pixels, channels);
                    if (oneSlice || slice + depth == groupDepth)
                    {
                        SimdTile.Finish(
                            sum, bias, residual, sizes, at.N, at.Y, x, group * sizes.ChannelGroupOutputC + groupK, pixels, channels, output);
                    }
                }
            }
        }
    }

    /// <summary>Returns how many of the values that an output depends on are summed in one slice.</summary>
    public static int SliceDepth(in ConvolutionSizes s)
    {
        var depth = s.KernelH * s.KernelW * s.ChannelGroupInputC;
        var isLarge = s.KernelH * s.KernelW == 1 && (long)depth * SimdTile.Channels * sizeof(float) > LargestBlockBytes;
        return isLarge ? SlicedDepth : depth;
    }

    /// <summary>Finds where a tile's input begins and how to step through it.</summary>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="s">All sizes.</param>
    /// <param name="tile">Where the tile's output begins.</param>
    /// <param name="pixels">How many of its pixels count.</param>
    /// <param name="c">The first channel that it reads.</param>
    /// <param name="depth">The number of channels that it reads.</param>
    /// <param name="copy">Room for its copy, if it needs one.</param>
    /// <param name="isFirst">Whether no earlier block has read it.</param>
    /// <param name="hasNext">Whether another tile follows to the right.</param>
    /// <param name="firstRow">The first row of the window that is inside the map.</param>
    private static TileWalk FindInput(
        float* input, in ConvolutionSizes s, TilePosition tile, int pixels, int c, int depth, float* copy, bool isFirst, bool hasNext,
        out int firstRow)
    {
        var y = tile.Y * s.StrideY - s.PaddingY;
        var x = tile.X * s.StrideX - s.PaddingX;
        firstRow = y < 0 ? Division.CeilDiv(-y, s.DilationY) : 0;
        var rows = Math.Max(0, Math.Min(s.KernelH, Division.CeilDiv(s.InputH - y, s.DilationY)) - firstRow);
        var firstY = (long)tile.N * s.InputH + y + firstRow * s.DilationY;

        // Pixels that don't count may be read from anywhere in the tensor.
        var spanX = SpanX(s, SimdTile.PixelsRead(pixels));
        var isInside = x >= 0 && x + SpanX(s, pixels) <= s.InputW
            && (firstY + (rows - 1) * s.DilationY) * s.InputW + x + spanX <= (long)s.OutputN * s.InputH * s.InputW;
        var start = input + (firstY * s.InputW + x) * s.InputC + c;
        var rowStep = s.InputW * s.InputC * s.DilationY;
        if (!isInside && isFirst)
            CopyWithBorder(start, s, x, rows, rowStep, spanX, depth, copy);
        var pixel = isInside ? s.InputC : depth;

        // Neighbouring weights of a window's row read neighbouring pixels: one run of kw · C values, if the pixels are contiguous.
        var contiguous = s.DilationX == 1 && pixel == depth;
        // The first block that reads the segment also prefetches it: each tile fetches the input of the next. A slice of the depth is not
        // prefetched, because there each pixel is a separate stream.
        var step = isFirst && hasNext && depth == s.ChannelGroupInputC
            ? Math.Min(MostAhead, Division.CeilDiv(SimdTile.Pixels * s.StrideX * s.InputC, s.KernelW * depth))
            : 0;
        var ahead = new TileAhead(start + (nint)SpanX(s, SimdTile.Pixels) * s.InputC, rowStep, step);
        return new TileWalk(
            isInside ? start : copy,
            pixel * s.StrideX,
            rows,
            isInside ? rowStep : spanX * depth,
            contiguous ? 1 : s.KernelW,
            pixel * s.DilationX,
            contiguous ? s.KernelW * depth : depth,
            ahead);
    }

    /// <summary>Returns the number of input columns that consecutive output pixels of a row see.</summary>
    private static int SpanX(in ConvolutionSizes s, int pixels) => (pixels - 1) * s.StrideX + (s.KernelW - 1) * s.DilationX + 1;

    /// <summary>Copies what a tile reads of the rows that are inside the map. Columns outside the map are zero.</summary>
    private static void CopyWithBorder(
        float* start, in ConvolutionSizes s, int x, int rows, nint rowStep, int spanX, int depth, float* copy)
    {
        var firstX = Math.Clamp(-x, 0, spanX);
        var endX = Math.Clamp(s.InputW - x, firstX, spanX);
        for (var row = 0; row < rows; row++, start += rowStep, copy += spanX * depth)
        {
            new Span<float>(copy, firstX * depth).Clear();
            new Span<float>(copy + endX * depth, (spanX - endX) * depth).Clear();
            if (depth == s.InputC)
            {
                var length = (endX - firstX) * depth;
                new ReadOnlySpan<float>(start + firstX * depth, length).CopyTo(new Span<float>(copy + firstX * depth, length));
                continue;
            }
            for (var px = firstX; px < endX; px++)
                new ReadOnlySpan<float>(start + (nint)px * s.InputC, depth).CopyTo(new Span<float>(copy + px * depth, depth));
        }
    }
}
