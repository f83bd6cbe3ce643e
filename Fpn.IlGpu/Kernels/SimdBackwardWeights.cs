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
/// A chunk of some 100 pixels of dout is packed, 32 channels wide, and stays in the first-level cache while all tiles use it;
/// the input is read where it lies, or where it has a border, in a copy with the zeros around it. The sums of a block of output
/// channels stay in the second-level cache.
/// </summary>
internal static unsafe class SimdBackwardWeights
{
    private const int ChunkPixels = 128;

    // Of a part's sums: 12 × 32 × 4 bytes a tile.
    private const int MostTiles = 192;
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

        var sums = (scratch ??= new SimdScratch()).Of((endTile - firstTile) * tileLength + ChunkLength(plan) + CopyLength(s, plan));
        var packed = sums + (endTile - firstTile) * tileLength;
        var copy = packed + ChunkLength(plan);
        new Span<float>(sums, (endTile - firstTile) * tileLength).Clear();
        for (var chunk = Share(plan.Chunks, split, plan.Splits); chunk < Share(plan.Chunks, split + 1, plan.Splits); chunk++)
        {
            var at = plan.ChunkAt(s, chunk);
            Pack(outputGradient + group * s.GroupOutputC + firstK, s, at, channels, packed);
            var pixels = FindInput(input, s, plan, at, group, copy);
            for (var tile = firstTile; tile < endTile; tile++)
            {
                var (ky, kx, m) = plan.TileAt(s, tile);
                var rows = Rows(plan, m);
                var start = pixels.Start + ((ky * s.DilationY * (nint)pixels.W) + kx * s.DilationX) * pixels.C + FirstRow(plan, m);
                SimdTile.Multiply(pixels.Walk(start, at, s), packed, sums + (tile - firstTile) * tileLength, accumulate: true, rows);
            }
        }
        var length = (long)s.OutputC * s.GroupInputC * s.KernelH * s.KernelW;
        output += split * length + (long)(group * s.GroupOutputC + firstK) * s.GroupInputC * s.KernelH * s.KernelW;
        for (var tile = firstTile; tile < endTile; tile++)
            Store(sums + (tile - firstTile) * tileLength, s, plan, tile, channels, accumulate, output);
    }

    /// <summary>Where the i-th of some equal parts begins.</summary>
    private static int Share(int whole, int i, int parts) => (int)((long)whole * i / parts);

    /// <summary>Rows that a tile computes: all, or the few that the last one has.</summary>
    private static int Rows(in Plan plan, int m) => plan.RowLength - m <= 6 ? 6 : SimdTile.Pixels;

    /// <summary>A tile that would reach beyond its row of the window begins further ahead, and computes some values again.</summary>
    private static int FirstRow(in Plan plan, int m) => Math.Min(m, Math.Max(0, plan.RowLength - Rows(plan, m)));

    private static int ChunkLength(in Plan plan)
        => plan.Pictures * plan.ChunkH * plan.ChunkW * SimdTile.Channels;

    private static int SpanY(in ConvolutionSizes s, int rows) => (rows - 1) * s.StrideY + (s.KernelH - 1) * s.DilationY + 1;

    private static int SpanX(in ConvolutionSizes s, int columns) => (columns - 1) * s.StrideX + (s.KernelW - 1) * s.DilationX + 1;

    /// <summary>A tile of fewer channels than it has rows reads a few values beyond the copy.</summary>
    private static int CopyLength(in ConvolutionSizes s, in Plan plan) => plan.IsCopied == 0
        ? 0
        : plan.Pictures * SpanY(s, plan.ChunkH) * SpanX(s, plan.ChunkW) * s.GroupInputC + SimdTile.Pixels;

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

    /// <summary>What the chunk's windows see of the input.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Pixels FindInput(float* input, in ConvolutionSizes s, in Plan plan, in Chunk at, int group, float* copy)
    {
        var (firstY, firstX) = (at.Y * s.StrideY - s.PaddingY, at.X * s.StrideX - s.PaddingX);
        if (plan.IsCopied == 0)
            return new Pixels(input + (((long)at.N * s.InputH + firstY) * s.InputW + firstX) * s.InputC, s.InputH, s.InputW, s.InputC);
        var (spanY, spanX, c) = (SpanY(s, at.H), SpanX(s, at.W), s.GroupInputC);
        var (left, right) = (Math.Clamp(-firstX, 0, spanX), Math.Clamp(s.InputW - firstX, 0, spanX));
        var to = copy;
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
                var from = input + (((long)n * s.InputH + y) * s.InputW + firstX + left) * s.InputC + group * c;
                if (s.Groups == 1)
                {
                    new ReadOnlySpan<float>(from, (right - left) * c).CopyTo(new Span<float>(to + left * c, (right - left) * c));
                    continue;
                }
                for (var x = left; x < right; x++, from += s.InputC)
                    new ReadOnlySpan<float>(from, c).CopyTo(new Span<float>(to + x * c, c));
            }
        }
        return new Pixels(copy, spanY, spanX, c);
    }

    /// <summary>A tile's sums to their places in [K, C / groups, kh, kw], from its first output channel on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store(float* sums, in ConvolutionSizes s, in Plan plan, int tile, int channels, bool accumulate, float* output)
    {
        var (ky, firstX, m) = plan.TileAt(s, tile);
        var places = s.KernelH * s.KernelW;
        var end = Math.Min(m + SimdTile.Pixels, plan.RowLength);
        for (sums += (m - FirstRow(plan, m)) * SimdTile.Channels; m < end; m++, sums += SimdTile.Channels)
        {
            var to = output + m % s.GroupInputC * places + ky * s.KernelW + firstX + m / s.GroupInputC;
            for (var k = 0; k < channels; k++, to += s.GroupInputC * places)
                *to = accumulate ? *to + sums[k] : sums[k];
        }
    }

    /// <summary>Output pixels: of how many pictures, rows and columns, from which on.</summary>
    internal readonly record struct Chunk(int N, int Y, int X, int Pictures, int H, int W);

    /// <summary>What is split, and how.</summary>
    /// <param name="RowLength">Values that lie side by side under a row of the window: kw · C of a group, if nothing lies between.</param>
    /// <param name="Runs">How many such runs a row of the window has.</param>
    /// <param name="Tiles">All tiles of a block of output channels.</param>
    /// <param name="Ranges">Ranges of them.</param>
    /// <param name="Blocks">Blocks of output channels of a group.</param>
    /// <param name="Chunks">Chunks of pixels.</param>
    /// <param name="Splits">Parts of the chunks that are summed up apart.</param>
    /// <param name="Pictures">Pictures of a chunk.</param>
    /// <param name="ChunkH">Rows of a chunk.</param>
    /// <param name="ChunkW">Columns of a chunk.</param>
    /// <param name="IsCopied">1 where the input is copied, with its border or to have a group's channels side by side.</param>
    internal readonly record struct Plan(
        int RowLength, int Runs, int Tiles, int Ranges, int Blocks, int Chunks, int Splits, int Pictures, int ChunkH, int ChunkW,
        int IsCopied)
    {
        public static Plan Of(in ConvolutionSizes s, int threads)
        {
            var runs = s.DilationX == 1 ? 1 : s.KernelW;
            var rowLength = s.KernelW * s.GroupInputC / runs;
            var tiles = s.KernelH * runs * Grain.Count(rowLength, SimdTile.Pixels);
            var blocks = Grain.Count(s.GroupOutputC, SimdTile.Channels);

            var width = Grain.Count(s.OutputW, Grain.Count(s.OutputW, ChunkPixels));
            var height = Grain.Count(s.OutputH, Grain.Count(s.OutputH, Math.Max(1, ChunkPixels / width)));
            var pictures = Math.Clamp(ChunkPixels / (width * height), 1, s.OutputN);
            var chunks = Grain.Count(s.OutputW, width) * Grain.Count(s.OutputH, height) * Grain.Count(s.OutputN, pictures);

            var splits = Math.Clamp(EnoughParts * LeastTiles / (s.Groups * blocks * tiles), 1, chunks);
            var ranges = Grain.Count(tiles, MostTiles);
            while (s.Groups * blocks * splits * ranges < threads * PartsPerThread && tiles / (ranges + 1) >= LeastTiles)
                ranges++;
            var isCopied = s.PaddingY > 0 || s.PaddingX > 0 || s.Groups > 1 || rowLength < SimdTile.Pixels;
            return new Plan(rowLength, runs, tiles, ranges, blocks, chunks, splits, pictures, height, width, isCopied ? 1 : 0);
        }

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
        public (int Ky, int Kx, int M) TileAt(in ConvolutionSizes s, int tile)
        {
            var tilesOfRun = Grain.Count(RowLength, SimdTile.Pixels);
            return (tile / tilesOfRun / Runs, tile / tilesOfRun % Runs, tile % tilesOfRun * SimdTile.Pixels);
        }
    }

    /// <summary>Input pixels: the first, and the rows, columns and channels of a picture.</summary>
    private readonly struct Pixels(float* start, int h, int w, int c)
    {
        public readonly float* Start = start;
        public readonly int W = w;
        public readonly int C = c;
        private readonly int h = h;

        /// <summary>A tile's way through the chunk; its innermost loop is the longest that there is.</summary>
        public TileWalk Walk(float* first, in Chunk at, in ConvolutionSizes s)
        {
            var (columnStep, rowStep, pictureStep) = (s.StrideX * C, s.StrideY * W * C, h * W * C);
            if (at.W > 1)
                return new TileWalk(first, 1, at.Pictures, pictureStep, at.H, rowStep, at.W, columnStep);
            return at.H > 1
                ? new TileWalk(first, 1, at.Pictures, pictureStep, 1, 0, at.H, rowStep)
                : new TileWalk(first, 1, 1, 0, 1, 0, at.Pictures, pictureStep);
        }
    }
}
