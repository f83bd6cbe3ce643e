using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of the weights of a 3×3 convolution of stride 1, on a CPU, by the transpose of <see cref="WinogradTransform"/>. As
/// out = Aᵀ ((G w Gᵀ) ∘ V) A is linear in w, the gradient of w is
/// <code>
/// dw = Gᵀ U G        U[36, C, K] = Σ tiles  V[tile, C] · D[tile, K]        V = Bᵀ in B,  D = A dout Aᵀ
/// </code>
/// with a quarter of the multiplications of the definition, as in the forward pass. U is transformed back once, after all tiles are
/// summed. Some tiles are transformed at a time, so that they and U's blocks of output channels stay in the second-level cache.
/// </summary>
internal static unsafe class SimdWinogradBackwardWeights
{
    private const int Values = WinogradTransform.Values;
    private const int Skew = 16;
    private const int MostTiles = 48;

    // Bytes of U, V and D together.
    private const int ScratchBytes = 1_600_000;

    // Tiles are split for this many threads, however many there are: the sums must not depend on the number of threads.
    private const int EnoughParts = 16;

    [ThreadStatic]
    private static SimdScratch? scratch;

    /// <summary>Launches the kernels; called by <see cref="ConvolutionBackwardWeights"/>, which has checked the sizes.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="sizes">The sizes of the forward convolution.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">dout, [N, OH, OW, K].</param>
    /// <param name="weightGradient">dw, [K, C, 3, 3].</param>
    /// <param name="accumulate">Whether to add to dw instead of overwriting it.</param>
    public static void Run(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> outputGradient, ArrayView<float> weightGradient,
        bool accumulate)
    {
        var plan = Plan.Of(sizes);
        var isSplit = plan.Splits > 1;
        using var partial = isSplit ? device.Rent<float>(plan.Splits * weightGradient.Length) : null;
        device.Launch(
            Kernel, plan.Splits * plan.BlockParts, input, outputGradient, sizes, plan, accumulate && !isSplit ? 1 : 0,
            partial?.View ?? weightGradient);
        if (isSplit)
            PartialSums.Combine(device, partial!.View, plan.Splits, accumulate, weightGradient);
    }

    /// <summary>One thread = some tiles × some blocks of output channels.</summary>
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
        {
            if (Vector512.IsHardwareAccelerated)
                Part<Lanes16>(x, d, sizes, plan, part, accumulate != 0, o);
            else
                Part<Lanes8>(x, d, sizes, plan, part, accumulate != 0, o);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Part<T>(
        float* input, float* outputGradient, in ConvolutionSizes s, in Plan plan, int part, bool accumulate, float* output)
        where T : struct, ISimdLanes<T>
    {
        var c = s.InputC;
        var split = part / plan.BlockParts;
        var firstBlock = part % plan.BlockParts * plan.BlocksAtOnce;
        var blocks = Math.Min(plan.BlocksAtOnce, Division.CeilDiv(s.OutputC, SimdTile.Channels) - firstBlock);
        var (first, end) = (plan.First(split), plan.First(split + 1));

        // U [blocks, 36, C, 32], V [36, tiles, C], D [36, tiles, 32], and room to transform one tile.
        var rows = Division.CeilDiv(c, SimdTile.Pixels) * SimdTile.Pixels;
        var stepU = rows * SimdTile.Channels;
        var stepV = plan.TilesAtOnce * c + Skew;
        var stepD = plan.TilesAtOnce * SimdTile.Channels + Skew;
        var u = (scratch ??= new SimdScratch()).Of(
            Values * (plan.BlocksAtOnce * stepU + stepV + stepD + 16) + Values * Math.Max(c, SimdTile.Channels) + SimdTile.Pixels);
        var d = u + plan.BlocksAtOnce * Values * stepU;
        var half = d + Values * stepD;
        var border = half + Values * 16;
        // V comes last, because the tile of the last channels reads a few values beyond it.
        var v = border + Values * Math.Max(c, SimdTile.Channels);
        new Span<float>(u, blocks * Values * stepU).Clear();

        for (var at = first; at < end; at += plan.TilesAtOnce)
        {
            var tiles = Math.Min(plan.TilesAtOnce, end - at);
            for (var t = 0; t < tiles; t++)
                SimdWinograd.TransformInput<T>(input, s, at + t, border, half, v + t * c, stepV);
            for (var b = 0; b < blocks; b++)
            {
                for (var t = 0; t < tiles; t++)
                    TransformOutput<T>(outputGradient, s, at + t, firstBlock + b, border, half, d + t * SimdTile.Channels, stepD);
                for (var i = 0; i < Values; i++)
                {
                    var sums = u + (b * Values + i) * stepU;
                    for (var m = 0; m < c; m += SimdTile.Pixels)
                    {
                        var walk = new TileWalk(v + i * stepV + m, 1, rows: 1, 0, runs: 1, 0, runLength: tiles, valueStep: c);
                        SimdTile.Multiply(walk, d + i * stepD, sums + m * SimdTile.Channels, accumulate: true, c - m, SimdTile.Channels);
                    }
                }
            }
        }
        output += (long)split * s.OutputC * c * 9;
        for (var b = 0; b < blocks; b++)
            Store<T>(u + b * Values * stepU, stepU, s, firstBlock + b, half, border, accumulate, output);
    }

    /// <summary>Computes D of one tile and one block of output channels, with zeros outside the map and beyond the last channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformOutput<T>(
        float* outputGradient, in ConvolutionSizes s, int tile, int block, float* copy, float* half, float* to, int stepD)
        where T : struct, ISimdLanes<T>
    {
        const int Side = WinogradTransform.TileOutputs;
        var (n, y, x) = SimdWinograd.Corner(s, tile);
        var k = block * SimdTile.Channels;
        var channels = Math.Min(SimdTile.Channels, s.OutputC - k);
        var rowStep = (nint)s.OutputW * s.OutputC;
        var from = outputGradient + ((long)n * s.OutputH + y) * rowStep + (nint)x * s.OutputC + k;
        var (height, width) = (Math.Min(Side, s.OutputH - y), Math.Min(Side, s.OutputW - x));
        if (channels < SimdTile.Channels || height < Side || width < Side)
            new Span<float>(copy, Side * Side * SimdTile.Channels).Clear();
        for (var dy = 0; dy < height; dy++)
        {
            for (var dx = 0; dx < width; dx++)
            {
                new ReadOnlySpan<float>(from + dy * rowStep + dx * s.OutputC, channels)
                    .CopyTo(new Span<float>(copy + (dy * Side + dx) * SimdTile.Channels, channels));
            }
        }
        for (var i = 0; i < SimdTile.Channels; i += T.Count)
            SimdWinogradGradient.Output<T>(copy + i, SimdTile.Channels, half, to + i, stepD);
    }

    /// <summary>Transforms U of a block of output channels back, and stores it as dw in [K, C, 3, 3].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<T>(
        float* u, int stepU, in ConvolutionSizes s, int block, float* half, float* window, bool accumulate, float* output)
        where T : struct, ISimdLanes<T>
    {
        var k = block * SimdTile.Channels;
        var channels = Math.Min(SimdTile.Channels, s.OutputC - k);
        for (var c = 0; c < s.InputC; c++)
        {
            for (var i = 0; i < SimdTile.Channels; i += T.Count)
                SimdWinogradGradient.Weights<T>(u + c * SimdTile.Channels + i, stepU, half, window + i, SimdTile.Channels);
            for (var i = 0; i < channels; i++)
            {
                var to = output + ((long)(k + i) * s.InputC + c) * 9;
                for (var p = 0; p < 9; p++)
                    to[p] = accumulate ? to[p] + window[p * SimdTile.Channels + i] : window[p * SimdTile.Channels + i];
            }
        }
    }

    /// <summary>How the work is split; depends on the sizes alone.</summary>
    /// <param name="Tiles">All tiles.</param>
    /// <param name="TilesAtOnce">Tiles that are transformed at a time.</param>
    /// <param name="Splits">Parts of the tiles that are summed separately.</param>
    /// <param name="BlocksAtOnce">Blocks of output channels that a thread sums at a time.</param>
    /// <param name="BlockParts">Parts of BlocksAtOnce blocks that cover all output channels.</param>
    internal readonly record struct Plan(int Tiles, int TilesAtOnce, int Splits, int BlocksAtOnce, int BlockParts)
    {
        public static Plan Of(in ConvolutionSizes s)
        {
            var tiles = SimdWinograd.Tiles(s);
            var tilesAtOnce = Math.Min(MostTiles, tiles);
            var blocks = Division.CeilDiv(s.OutputC, SimdTile.Channels);
            var bytesOfBlock = Values * s.InputC * SimdTile.Channels * sizeof(float);
            var bytesOfTiles = Values * tilesAtOnce * (s.InputC + SimdTile.Channels) * sizeof(float);
            var parts = Division.CeilDiv(blocks, Math.Clamp((ScratchBytes - bytesOfTiles) / bytesOfBlock, 1, blocks));
            var blocksAtOnce = Division.CeilDiv(blocks, parts);
            parts = Division.CeilDiv(blocks, blocksAtOnce);
            var splits = Math.Clamp(Division.CeilDiv(EnoughParts, parts), 1, Division.CeilDiv(tiles, tilesAtOnce));
            return new Plan(tiles, tilesAtOnce, splits, blocksAtOnce, parts);
        }

        /// <summary>Returns the first tile of a split.</summary>
        public int First(int split) => (int)((long)Tiles * split / Splits);
    }
}
