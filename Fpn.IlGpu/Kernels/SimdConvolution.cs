using System.Runtime.CompilerServices;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// What one CPU thread does of a convolution: tile after tile of a segment of an output row, for some blocks of output
/// channels. The tile reads the input where it lies; only where it crosses the map's border does it read a copy of the
/// few pixels around it, with the zeros that pad them.
/// </summary>
internal static unsafe class SimdConvolution
{
    // A 1×1 product of great depth is summed up in slices, so that a slice of the weights stays in the cache while all
    // tiles of the segment use it. Larger windows have so much reuse that they need none.
    private const int SliceDepth = 512;

    [ThreadStatic]
    private static SimdScratch? accumulators;

    [ThreadStatic]
    private static SimdScratch? border;

    /// <summary>Computes the segment at a position. Pointers are to whole tensors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        float* input, float* weights, float* bias, float* residual, in ConvolutionSizes sizes, TilePosition at, float* output)
    {
        var (tilePixels, tileChannels) = (SimdTile.Pixels, SimdTile.Channels);
        var segment = Math.Min(sizes.Tiling.SegmentPixels, sizes.OutputW - at.X);
        var tiles = Grain.Count(segment, tilePixels);
        var blocks = Math.Min(sizes.Tiling.BlocksPerThread, sizes.Groups * sizes.BlocksPerGroup - at.Block);
        var groupDepth = sizes.KernelH * sizes.KernelW * sizes.GroupInputC;
        var sliceDepth = sizes.KernelH * sizes.KernelW == 1 ? Math.Min(SliceDepth, groupDepth) : groupDepth;
        var oneSlice = sliceDepth == groupDepth;
        // The copies of tiles at the border serve all blocks.
        var copyLength = SpanY(sizes) * SpanX(sizes) * Math.Min(sizes.GroupInputC, sliceDepth);
        var copies = (border ??= new SimdScratch()).Of(tiles * copyLength);
        var sums = (accumulators ??= new SimdScratch()).Of((oneSlice ? 1 : blocks * tiles) * tilePixels * tileChannels);

        for (var slice = 0; slice < groupDepth; slice += sliceDepth)
        {
            var depth = Math.Min(sliceDepth, groupDepth - slice);
            for (var b = 0; b < blocks; b++)
            {
                var block = at.Block + b;
                var w = weights + ((long)block * groupDepth + slice) * tileChannels;
                for (var t = 0; t < tiles; t++)
                {
                    var tile = at with { X = at.X + t * tilePixels, Block = block };
                    var sum = oneSlice ? sums : sums + (b * tiles + t) * tilePixels * tileChannels;
                    var isCopied = b > 0 && block / sizes.BlocksPerGroup == (block - 1) / sizes.BlocksPerGroup;
                    var walk = FindInput(
                        input, sizes, tile, slice, oneSlice ? sizes.GroupInputC : depth, copies + t * copyLength, isCopied);
                    SimdTile.Multiply(walk, w, sum, accumulate: slice > 0, segment - t * tilePixels);
                    if (slice + depth == groupDepth)
                        Epilogue(sum, bias, residual, sizes, tile, output);
                }
            }
        }
    }

    /// <summary>Where the tile's input begins and how to step through it.</summary>
    private static TileWalk FindInput(
        float* input, in ConvolutionSizes s, TilePosition tile, int firstC, int depth, float* copy, bool isCopied)
    {
        var group = tile.Block / s.BlocksPerGroup;
        var y = tile.Y * s.StrideY - s.PaddingY;
        var x = tile.X * s.StrideX - s.PaddingX;
        var (spanY, spanX) = (SpanY(s), SpanX(s));
        var inside = y >= 0 && x >= 0 && y + spanY <= s.InputH && x + spanX <= s.InputW;
        var c = group * s.GroupInputC + firstC;
        if (!inside && !isCopied)
            CopyWithBorder(input, s, tile.N, y, x, spanY, spanX, c, depth, copy);
        var start = inside ? input + (((long)tile.N * s.InputH + y) * s.InputW + x) * s.InputC + c : copy;
        var pixel = inside ? s.InputC : depth;
        var row = inside ? s.InputW * s.InputC : spanX * depth;

        // Neighbouring weights of a row read neighbouring pixels: one run of kw · C values, if nothing lies between.
        var contiguous = s.DilationX == 1 && pixel == depth;
        return new TileWalk(
            start,
            pixel * s.StrideX,
            s.KernelH,
            row * s.DilationY,
            contiguous ? 1 : s.KernelW,
            pixel * s.DilationX,
            contiguous ? s.KernelW * depth : depth);
    }

    /// <summary>Rows of the input that a tile sees.</summary>
    private static int SpanY(in ConvolutionSizes s) => (s.KernelH - 1) * s.DilationY + 1;

    /// <summary>Columns of the input that a tile sees.</summary>
    private static int SpanX(in ConvolutionSizes s) => (SimdTile.Pixels - 1) * s.StrideX + (s.KernelW - 1) * s.DilationX + 1;

    private static void CopyWithBorder(
        float* input, in ConvolutionSizes s, int n, int y, int x, int spanY, int spanX, int firstC, int depth, float* copy)
    {
        var to = new Span<float>(copy, spanY * spanX * depth);
        to.Clear();
        var firstX = Math.Max(0, -x);
        var endX = Math.Min(spanX, s.InputW - x);
        for (var dy = 0; dy < spanY; dy++)
        {
            if (y + dy < 0 || y + dy >= s.InputH || endX <= firstX)
                continue;
            var from = input + (((long)n * s.InputH + y + dy) * s.InputW + x + firstX) * s.InputC + firstC;
            var row = to.Slice((dy * spanX + firstX) * depth, (endX - firstX) * depth);
            if (depth == s.InputC)
            {
                new ReadOnlySpan<float>(from, row.Length).CopyTo(row);
                continue;
            }
            for (; row.Length > 0; row = row[depth..], from += s.InputC)
                new ReadOnlySpan<float>(from, depth).CopyTo(row);
        }
    }

    /// <summary>Adds bias and residual, activates, and stores what of the tile lies in the row and in the group.</summary>
    private static void Epilogue(
        float* sums, float* bias, float* residual, in ConvolutionSizes s, TilePosition tile, float* output)
    {
        var group = tile.Block / s.BlocksPerGroup;
        var groupK = (tile.Block - group * s.BlocksPerGroup) * SimdTile.Channels;
        var channels = Math.Min(SimdTile.Channels, s.GroupOutputC - groupK);
        var pixels = Math.Min(SimdTile.Pixels, s.OutputW - tile.X);
        var k = group * s.GroupOutputC + groupK;
        SimdTile.Finish(sums, bias, residual, s, tile.N, tile.Y, tile.X, k, pixels, channels, output);
    }
}
