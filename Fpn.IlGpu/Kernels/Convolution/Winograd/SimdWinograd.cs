using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// A 3×3 convolution of stride 1 by <see cref="WinogradTransform"/> on a CPU. A thread takes some tiles at a time from input to output,
/// so that the transformed values stay in the second-level cache.
/// <code>
/// V[36, tiles, C] = Bᵀ d B        M[36, tiles, 32] = V · U[36, C, 32] by the SIMD tile        output = f(Aᵀ M A + …)
/// </code>
/// It is 2.5 to 3 times as fast as the direct tile, of the factor 4 by which the multiplications are fewer: U is four times as large as
/// the weights and is streamed once for each part of the work, and the transforms are extra work. Blocks of U are 32 channels wide,
/// or 16 without AVX-512.
/// </summary>
internal static unsafe class SimdWinograd
{
    // Floats between slabs of V and M. Slabs a power of two apart would map to the same lines of the first-level cache.
    private const int Skew = 16;

    // Bytes that are transformed at a time: up to two thirds of a second-level cache of 2 MB.
    private const int ScratchBytes = 1_400_000;
    private const int LeastTiles = 24;
    private const int MostTiles = 48;
    private const int LeastBlocks = 2;

    [ThreadStatic]
    private static SimdScratch? scratch;

    /// <summary>Whether this form can compute a convolution. It takes channels by whole registers.</summary>
    public static bool Takes(in ConvolutionGeometry g)
        => g is { KernelH: 3, KernelW: 3, Window: { Stride: (1, 1), Dilation: (1, 1), ChannelGroups: 1 } } && g.ChannelGroupInputC % 16 == 0;

    /// <summary>Launches the kernel; called by <see cref="Convolution"/>, which has checked the sizes.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="sizes">All sizes.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="weights">U, [blocks of K, 36, C, channels of a block].</param>
    /// <param name="bias">[K].</param>
    /// <param name="residual">[N, OH, OW, K], or the coarser map; not read if there is none.</param>
    /// <param name="output">[N, OH, OW, K].</param>
    public static void Run(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias,
        ArrayView<float> residual, ArrayView<float> output)
    {
        sizes = Plan(device, sizes);
        device.Launch(Kernel, Parts(sizes), input, weights, bias, residual, sizes, output);
    }

    /// <summary>One thread = some tiles × some blocks of output channels.</summary>
    [CpuKernel]
    internal static void Kernel(
        Index1D part, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, ArrayView<float> output)
        => Compute(input, weights, bias, residual, sizes, part, output);

    /// <summary>
    /// Splits the work into enough parts to keep every core busy to the end: first by output channels, then by fewer tiles at a time.
    /// </summary>
    private static ConvolutionSizes Plan(Device device, ConvolutionSizes sizes)
    {
        var enough = device.Threads * 6;
        var tiles = ScratchBytes / (WinogradTransform.Values * sizes.InputC * sizeof(float)) / SimdTile.Pixels * SimdTile.Pixels;
        var blocks = Division.CeilDiv(sizes.OutputC, SimdTile.Channels);
        var plan = sizes with { Tiling = new Tiling(SimdTile.Channels, Math.Clamp(tiles, LeastTiles, MostTiles), blocks) };
        while (Parts(plan) < enough && plan.Tiling.BlocksPerThread > LeastBlocks)
            plan = plan with { Tiling = plan.Tiling with { BlocksPerThread = (plan.Tiling.BlocksPerThread + 1) / 2 } };
        while (Parts(plan) < enough && plan.Tiling.SegmentPixels > SimdTile.Pixels)
            plan = plan with { Tiling = plan.Tiling with { SegmentPixels = plan.Tiling.SegmentPixels - SimdTile.Pixels } };
        return plan;
    }

    private static int Parts(in ConvolutionSizes sizes)
        => Division.CeilDiv(Tiles(sizes), sizes.Tiling.SegmentPixels) * Division.CeilDiv(sizes.BlocksPerChannelGroup, sizes.Tiling.BlocksPerThread);

    public static int Tiles(in ConvolutionSizes sizes) => sizes.OutputN * TilesY(sizes) * TilesX(sizes);

    private static int TilesY(in ConvolutionSizes sizes) => Division.CeilDiv(sizes.OutputH, WinogradTransform.TileOutputs);

    private static int TilesX(in ConvolutionSizes sizes) => Division.CeilDiv(sizes.OutputW, WinogradTransform.TileOutputs);

    [IntrinsicImplementation]
    private static void Compute(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes,
        int part, ArrayView<float> output)
    {
        fixed (float* x = &input[0], w = &weights[0], b = &bias[0], r = &residual[0], o = &output[0])
        {
            if (Vector512.IsHardwareAccelerated)
                Compute<Lanes16>(x, w, b, r, sizes, part, o);
            else
                Compute<Lanes8>(x, w, b, r, sizes, part, o);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compute<T>(
        float* input, float* weights, float* bias, float* residual, in ConvolutionSizes sizes, int part, float* output)
        where T : struct, ISimdLanes<T>
    {
        const int Values = WinogradTransform.Values;
        var channelParts = Division.CeilDiv(sizes.BlocksPerChannelGroup, sizes.Tiling.BlocksPerThread);
        var first = part / channelParts * sizes.Tiling.SegmentPixels;
        var tiles = Math.Min(sizes.Tiling.SegmentPixels, Tiles(sizes) - first);
        var rows = Division.CeilDiv(tiles, SimdTile.Pixels) * SimdTile.Pixels;
        var c = sizes.InputC;

        // The thread's memory: V; M; a tile between the passes of a transform (half); a tile's outputs (sums); and a copy of an input
        // tile with its border of zeros (border).
        var stepV = rows * c + Skew;
        var stepM = rows * SimdTile.Channels + Skew;
        var v = (scratch ??= new SimdScratch()).Of(Values * (stepV + stepM + SimdTile.Channels + c) + Values * 16);
        var m = v + Values * stepV;
        var half = m + Values * stepM;
        var sums = half + Values * 16;
        var border = sums + Values * SimdTile.Channels;

        for (var t = 0; t < tiles; t++)
            TransformInput<T>(input, sizes, first + t, border, half, v + t * c, stepV);

        var aheadStep = Math.Min(16, Division.CeilDiv(SimdTile.Channels * SimdTile.Pixels, rows));
        var firstBlock = part % channelParts * sizes.Tiling.BlocksPerThread;
        var endBlock = Math.Min(firstBlock + sizes.Tiling.BlocksPerThread, sizes.BlocksPerChannelGroup);
        for (var block = firstBlock; block < endBlock; block++)
        {
            var u = weights + (long)block * Values * c * SimdTile.Channels;
            for (var i = 0; i < Values; i++, u += c * SimdTile.Channels)
            {
                for (var t = 0; t < rows; t += SimdTile.Pixels)
                {
                    // Each tile prefetches its share of the next weights.
                    var ahead = new TileAhead(u + (c + (long)c * t / rows) * SimdTile.Channels, 0, aheadStep);
                    var walk = new TileWalk(v + i * stepV + t * c, c, rows: 1, 0, runs: 1, 0, runLength: c, ahead);
                    SimdTile.Multiply(walk, u, m + i * stepM + t * SimdTile.Channels, accumulate: false, tiles - t, SimdTile.Channels);
                }
            }
            for (var t = 0; t < tiles; t++)
                TransformOutput<T>(m + t * SimdTile.Channels, stepM, half, sums, bias, residual, sizes, first + t, block, output);
        }
    }

    /// <summary>Transforms a tile: in place or, where it crosses the map's border, from a copy that is padded with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformInput<T>(
        float* input, in ConvolutionSizes s, int tile, float* border, float* half, float* v, int stepV)
        where T : struct, ISimdLanes<T>
    {
        const int Side = WinogradTransform.TileInputs;
        var (n, y, x) = Corner(s, tile);
        y -= s.PaddingY;
        x -= s.PaddingX;
        var c = s.InputC;
        var rowStep = (nint)s.InputW * c;
        var from = input + ((long)n * s.InputH + y) * rowStep + (nint)x * c;
        if (y < 0 || x < 0 || y + Side > s.InputH || x + Side > s.InputW)
        {
            new Span<float>(border, Side * Side * c).Clear();
            var (firstX, endX) = (Math.Max(0, -x), Math.Min(Side, s.InputW - x));
            for (var dy = Math.Max(0, -y); dy < Math.Min(Side, s.InputH - y) && endX > firstX; dy++)
            {
                new ReadOnlySpan<float>(from + dy * rowStep + firstX * c, (endX - firstX) * c)
                    .CopyTo(new Span<float>(border + (dy * Side + firstX) * c, (endX - firstX) * c));
            }
            from = border;
            rowStep = Side * c;
        }
        for (var i = 0; i < c; i += T.Count)
            SimdWinogradTransform.Input<T>(from + i, rowStep, c, half, v + i, stepV);
    }

    /// <summary>Transforms a tile back, and stores those of its outputs that are inside the map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformOutput<T>(
        float* m, int stepM, float* half, float* sums, float* bias, float* residual, in ConvolutionSizes s, int tile, int block,
        float* output)
        where T : struct, ISimdLanes<T>
    {
        const int Side = WinogradTransform.TileOutputs;
        for (var i = 0; i < SimdTile.Channels; i += T.Count)
            SimdWinogradTransform.Output<T>(m + i, stepM, half, sums + i, SimdTile.Channels);
        var (n, y, x) = Corner(s, tile);
        var k = block * SimdTile.Channels;
        for (var dy = 0; dy < Math.Min(Side, s.OutputH - y); dy++)
        {
            SimdTile.Finish(
                sums + dy * Side * SimdTile.Channels, bias, residual, s, n, y + dy, x, k, Math.Min(Side, s.OutputW - x),
                Math.Min(SimdTile.Channels, s.OutputC - k), output);
        }
    }

    /// <summary>Returns a tile's picture, and the output row and column where it begins.</summary>
    public static (int N, int Y, int X) Corner(in ConvolutionSizes s, int tile)
    {
        var (tilesX, tilesY) = (TilesX(s), TilesY(s));
        var row = tile / tilesX;
        return (row / tilesY, row % tilesY * WinogradTransform.TileOutputs, tile % tilesX * WinogradTransform.TileOutputs);
    }
}
