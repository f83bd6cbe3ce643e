using System.Runtime.CompilerServices;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of weights on a CPU, by the same tile as the forward pass (<see cref="SimdTile"/>): its rows are 12 of the values
/// that lie side by side under a row of the window, (kx, c), its columns 32 output channels, and what it runs along are pixels.
/// <code>
/// sums[ky, (kx, c), k] += Σ pixels of a chunk  in[pixel + ky, (kx, c)] · dout[pixel, k]
/// </code>
/// A chunk of some 100 pixels of dout is packed, 32 channels wide, and stays in the first-level cache while all tiles use it.
/// What the chunk sees of the input is copied, too: with the zeros around it; or if that is one run of values a pixel, only those
/// of the part's tiles, side by side. Read where they lie, pixels far apart would each miss the cache for a few values. The sums of a
/// block of output channels stay in the second-level cache.
/// </summary>
internal static unsafe class SimdBackwardWeights
{
    private const int ChunkPixels = 128;

    // Of a part's sums: 12 × 32 × 4 bytes a tile.
    private const int MostTiles = 192;
    private const int MostTilesOfPixels = 64;
    private const int LeastTiles = 16;

    // Where weights are few, pixels are split for so many threads, whether there are as many or not: the sums must not depend on it.
    private const int EnoughParts = 32;
    private const int PartsPerThread = 4;

    [ThreadStatic]
    private static SimdScratch? scratch;

    /// <summary>Runs it; called by <see cref="ConvolutionBackwardWeights"/>, which has checked the sizes.</summary>
    public static void Run(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> outputGradient, ArrayView<float> weightGradient,
        bool accumulate)
    {
        sizes = sizes.FlattenPointwise();
        var plan = Plan.Of(sizes, device.Threads);
        var isSplit = plan.Splits > 1;
        using var partial = isSplit ? device.Rent<float>(plan.Splits * weightGradient.Length) : null;
        var share = WorkShare.Of(sizes.Groups * plan.Blocks * plan.Ranges * plan.Splits);
        device.Launch(
            Kernel, device.Threads, input, outputGradient, sizes, plan, share, accumulate && !isSplit ? 1 : 0,
            partial?.View ?? weightGradient);
        if (isSplit)
            PartialSums.Combine(device, partial!.View, plan.Splits, accumulate, weightGradient);
    }

    /// <summary>One thread = one part after the other: some tiles of a block of output channels, over some chunks of pixels.</summary>
    [CpuKernel]
    internal static void Kernel(
        Index1D index, ArrayView<float> input, ArrayView<float> outputGradient, ConvolutionSizes sizes, Plan plan, WorkShare share,
        int accumulate, ArrayView<float> sums)
        => Compute(input, outputGradient, sizes, plan, share, accumulate, sums);

    [IntrinsicImplementation]
    private static void Compute(
        ArrayView<float> input, ArrayView<float> outputGradient, ConvolutionSizes sizes, Plan plan, WorkShare share, int accumulate,
        ArrayView<float> sums)
    {
        fixed (float* x = &input[0], d = &outputGradient[0], o = &sums[0])
        {
            while (share.Take(out var part))
                Part(x, d, sizes, plan, part, accumulate != 0, o);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Part(
        float* input, float* outputGradient, in ConvolutionSizes s, in Plan plan, int part, bool accumulate, float* output)
    {
        var tileLength = SimdTile.Pixels * SimdTile.Channels;
        var range = part % plan.Ranges;
        var block = part / plan.Ranges % plan.Blocks;
        var group = part / plan.Ranges / plan.Blocks % s.Groups;
        var split = part / plan.Ranges / plan.Blocks / s.Groups;
        var (firstTile, endTile) = (Share(plan.Tiles, range, plan.Ranges), Share(plan.Tiles, range + 1, plan.Ranges));
        var firstK = block * SimdTile.Channels;
        var channels = Math.Min(SimdTile.Channels, s.GroupOutputC - firstK);

        var chunkLength = plan.Pictures * plan.ChunkH * plan.ChunkW * SimdTile.Channels;
        // A tile at the end of a run reads a few values beyond it.
        var copyLength = plan.CopyLength(s, endTile - firstTile) + SimdTile.Pixels;
        var sums = (scratch ??= new SimdScratch()).Of((endTile - firstTile) * tileLength + chunkLength + copyLength);
        var packed = sums + (endTile - firstTile) * tileLength;
        var copy = packed + chunkLength;
        new Span<float>(sums, (endTile - firstTile) * tileLength).Clear();
        for (var chunk = Share(plan.Chunks, split, plan.Splits); chunk < Share(plan.Chunks, split + 1, plan.Splits); chunk++)
        {
            var at = plan.ChunkAt(s, chunk);
            Pack(outputGradient + group * s.GroupOutputC + firstK, s, at, channels, packed);
            var firstValue = firstTile * SimdTile.Pixels;
            var values = Math.Min(endTile * SimdTile.Pixels, plan.RowLength) - firstValue;
            if (plan.IsOneRun != 0)
                CopyPixels(input + group * s.GroupInputC + firstValue, s, at, values, copy);
            else
                CopyWithBorder(input + group * s.GroupInputC, s, at, copy);
            var spanX = SpanX(s, at.W);
            for (var tile = firstTile; tile < endTile; tile++)
            {
                var (ky, kx, m) = plan.TileAt(tile);
                var walk = plan.IsOneRun != 0
                    ? new TileWalk(copy + m - firstValue, 1, 1, 0, 1, 0, at.Pictures * at.H * at.W, values)
                    : Walk(copy + (ky * s.DilationY * spanX + kx * s.DilationX) * s.GroupInputC + m, s, at, spanX);
                SimdTile.Multiply(walk, packed, sums + (tile - firstTile) * tileLength, accumulate: true, plan.RowLength - m);
            }
        }
        var length = (long)s.OutputC * s.GroupInputC * s.KernelH * s.KernelW;
        output += split * length + (long)(group * s.GroupOutputC + firstK) * s.GroupInputC * s.KernelH * s.KernelW;
        for (var k = 0; k < channels; k++, output += s.GroupInputC * s.KernelH * s.KernelW)
            Store(sums + k, s, plan, firstTile, endTile, accumulate, output);
    }

    /// <summary>Where the i-th of some equal parts begins.</summary>
    private static int Share(int whole, int i, int parts) => (int)((long)whole * i / parts);

    private static int SpanY(in ConvolutionSizes s, int rows) => (rows - 1) * s.StrideY + (s.KernelH - 1) * s.DilationY + 1;

    private static int SpanX(in ConvolutionSizes s, int columns) => (columns - 1) * s.StrideX + (s.KernelW - 1) * s.DilationX + 1;

    /// <summary>A tile's way through a copy with its border; the innermost loop is the longest that there is.</summary>
    private static TileWalk Walk(float* first, in ConvolutionSizes s, in Chunk at, int spanX)
    {
        var (columnStep, rowStep) = (s.StrideX * s.GroupInputC, s.StrideY * spanX * s.GroupInputC);
        var pictureStep = SpanY(s, at.H) * spanX * s.GroupInputC;
        if (at.W > 1)
            return new TileWalk(first, 1, at.Pictures, pictureStep, at.H, rowStep, at.W, columnStep);
        return at.H > 1
            ? new TileWalk(first, 1, at.Pictures, pictureStep, 1, 0, at.H, rowStep)
            : new TileWalk(first, 1, 1, 0, 1, 0, at.Pictures, pictureStep);
    }

    /// <summary>[pixels, 32] of dout, with zeros beyond the group's last channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(float* from, in ConvolutionSizes s, in Chunk at, int channels, float* to)
    {
        for (var n = at.N; n < at.N + at.Pictures; n++)
        {
            for (var y = at.Y; y < at.Y + at.H; y++)
            {
                var pixel = from + (((long)n * s.OutputH + y) * s.OutputW + at.X) * s.OutputC;
                for (var x = 0; x < at.W; x++, pixel += s.OutputC, to += SimdTile.Channels)
                {
                    if (channels == SimdTile.Channels)
                    {
                        for (var k = 0; k < SimdTile.Channels; k += Lanes8.Count)
                            Lanes8.Load(pixel + k).Store(to + k);
                        continue;
                    }
                    for (var k = 0; k < SimdTile.Channels; k++)
                        to[k] = k < channels ? pixel[k] : 0;
                }
            }
        }
    }

    /// <summary>[pixels, values]: some of the values that each pixel's window sees, which lie side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyPixels(float* input, in ConvolutionSizes s, in Chunk at, int values, float* to)
    {
        for (var n = at.N; n < at.N + at.Pictures; n++)
        {
            for (var y = at.Y; y < at.Y + at.H; y++)
            {
                var from = input + (((long)n * s.InputH + y * s.StrideY) * s.InputW + at.X * s.StrideX) * s.InputC;
                for (var x = 0; x < at.W; x++, from += s.StrideX * s.InputC, to += values)
                    new ReadOnlySpan<float>(from, values).CopyTo(new Span<float>(to, values));
            }
        }
    }

    /// <summary>All that the chunk's windows see of a group's channels, and zeros around the map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyWithBorder(float* input, in ConvolutionSizes s, in Chunk at, float* to)
    {
        var (firstY, firstX) = (at.Y * s.StrideY - s.PaddingY, at.X * s.StrideX - s.PaddingX);
        var (spanY, spanX, c) = (SpanY(s, at.H), SpanX(s, at.W), s.GroupInputC);
        var (left, right) = (Math.Clamp(-firstX, 0, spanX), Math.Clamp(s.InputW - firstX, 0, spanX));
        for (var n = at.N; n < at.N + at.Pictures; n++)
        {
            for (var y = firstY; y < firstY + spanY; y++, to += spanX * c)
            {
                if (y < 0 || y >= s.InputH || right <= left)
                {
                    new Span<float>(to, spanX * c).Clear();
                    continue;
                }
                new Span<float>(to, left * c).Clear();
                new Span<float>(to + right * c, (spanX - right) * c).Clear();
                var from = input + (((long)n * s.InputH + y) * s.InputW + firstX + left) * s.InputC;
                if (s.Groups == 1)
                {
                    new ReadOnlySpan<float>(from, (right - left) * c).CopyTo(new Span<float>(to + left * c, (right - left) * c));
                    continue;
                }
                for (var x = left; x < right; x++, from += s.InputC)
                    new ReadOnlySpan<float>(from, c).CopyTo(new Span<float>(to + x * c, c));
            }
        }
    }

    /// <summary>The sums of one output channel to their places in [C / groups, kh, kw].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store(
        float* sums, in ConvolutionSizes s, in Plan plan, int firstTile, int endTile, bool accumulate, float* output)
    {
        var places = s.KernelH * s.KernelW;
        for (var tile = firstTile; tile < endTile; tile++, sums += SimdTile.Pixels * SimdTile.Channels)
        {
            var (ky, kx, m) = plan.TileAt(tile);
            var rows = Math.Min(SimdTile.Pixels, plan.RowLength - m);
            var c = m % s.GroupInputC;
            var place = ky * s.KernelW + kx + m / s.GroupInputC;
            for (var row = 0; row < rows; row++, c++)
            {
                if (c == s.GroupInputC)
                    (c, place) = (0, place + 1);
                var to = output + (nint)c * places + place;
                var sum = sums[row * SimdTile.Channels];
                *to = accumulate ? *to + sum : sum;
            }
        }
    }

    /// <summary>Output pixels: of how many pictures, rows and columns, from which on.</summary>
    internal readonly record struct Chunk(int N, int Y, int X, int Pictures, int H, int W);

    /// <summary>What is split, and how.</summary>
    /// <param name="RowLength">
    /// Values that lie side by side under a row of the window: kw · C of a group, if nothing lies between; or under all of it.
    /// </param>
    /// <param name="Runs">How many such runs a row of the window has.</param>
    /// <param name="Tiles">All tiles of a block of output channels.</param>
    /// <param name="Ranges">Ranges of them.</param>
    /// <param name="Blocks">Blocks of output channels of a group.</param>
    /// <param name="Chunks">Chunks of pixels.</param>
    /// <param name="Splits">Parts of the chunks that are summed up apart.</param>
    /// <param name="Pictures">Pictures of a chunk.</param>
    /// <param name="ChunkH">Rows of a chunk.</param>
    /// <param name="ChunkW">Columns of a chunk.</param>
    /// <param name="IsOneRun">1 where all that a window sees is one run, inside the map.</param>
    internal readonly record struct Plan(
        int RowLength, int Runs, int Tiles, int Ranges, int Blocks, int Chunks, int Splits, int Pictures, int ChunkH, int ChunkW,
        int IsOneRun)
    {
        public static Plan Of(in ConvolutionSizes s, int threads)
        {
            var runs = s.DilationX == 1 ? 1 : s.KernelW;
            var rows = s.KernelH;
            var rowLength = s.KernelW * s.GroupInputC / runs;
            var isInside = s.PaddingY == 0 && s.PaddingX == 0;
            if (isInside && s.Groups == 1 && s.KernelW == s.InputW && runs == 1 && s.DilationY == 1)
            {
                // The window is as wide as the map: its rows lie side by side, too.
                (rows, rowLength) = (1, rows * rowLength);
            }
            var isOneRun = isInside && rows * runs == 1 && (s.KernelW == 1 || s.Groups == 1);
            var tiles = rows * runs * Grain.Count(rowLength, SimdTile.Pixels);
            var blocks = Grain.Count(s.GroupOutputC, SimdTile.Channels);

            var width = Grain.Count(s.OutputW, Grain.Count(s.OutputW, ChunkPixels));
            var height = Grain.Count(s.OutputH, Grain.Count(s.OutputH, Math.Max(1, ChunkPixels / width)));
            var pictures = Math.Clamp(ChunkPixels / (width * height), 1, s.OutputN);
            var chunks = Grain.Count(s.OutputW, width) * Grain.Count(s.OutputH, height) * Grain.Count(s.OutputN, pictures);

            var splits = Math.Clamp(EnoughParts * LeastTiles / (s.Groups * blocks * tiles), 1, chunks);
            var ranges = Grain.Count(tiles, isOneRun ? MostTilesOfPixels : MostTiles);
            while (s.Groups * blocks * splits * ranges < threads * PartsPerThread && tiles / (ranges + 1) >= LeastTiles)
                ranges++;
            return new Plan(rowLength, runs, tiles, ranges, blocks, chunks, splits, pictures, height, width, isOneRun ? 1 : 0);
        }

        /// <summary>What is copied of the input for a chunk.</summary>
        public int CopyLength(in ConvolutionSizes s, int tiles) => Pictures * (IsOneRun != 0
            ? ChunkH * ChunkW * tiles * SimdTile.Pixels
            : SpanY(s, ChunkH) * SpanX(s, ChunkW) * s.GroupInputC);

        /// <summary>The pixels of a chunk.</summary>
        public Chunk ChunkAt(in ConvolutionSizes s, int chunk)
        {
            var (columns, rows) = (Grain.Count(s.OutputW, ChunkW), Grain.Count(s.OutputH, ChunkH));
            var x = chunk % columns * ChunkW;
            var y = chunk / columns % rows * ChunkH;
            var n = chunk / columns / rows * Pictures;
            return new Chunk(
                n, y, x, Math.Min(Pictures, s.OutputN - n), Math.Min(ChunkH, s.OutputH - y), Math.Min(ChunkW, s.OutputW - x));
        }

        /// <summary>A tile's row of the window, the column where its run begins, and its first value of the run.</summary>
        public (int Ky, int Kx, int M) TileAt(int tile)
        {
            var tilesOfRun = Grain.Count(RowLength, SimdTile.Pixels);
            return (tile / tilesOfRun / Runs, tile / tilesOfRun % Runs, tile % tilesOfRun * SimdTile.Pixels);
        }
    }
}
