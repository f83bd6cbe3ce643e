using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// A 3×3 convolution of stride 1 by <see cref="WinogradTransform"/> on CPUs through OpenCL, in three kernels. It computes some tiles at
/// a time, so that the intermediate V and M stay in the last-level cache:
/// <code>
/// V[36, tiles, C] = Bᵀ d B        M[36, tiles, K] = V · U[36, C, K] by the local tile        output = f(Aᵀ M A + …)
/// </code>
/// </summary>
internal static class StagedWinograd
{
    private const int Values = WinogradTransform.Values;
    private const int Lanes = LocalTile.Channels;

    // Bytes of V and M for the tiles that are computed at a time.
    private const int StageBytes = 16 << 20;

    // Row tiles that a thread multiplies by the same weights.
    private const int TilesPerThread = 8;

    /// <summary>Whether this form can compute a convolution. It takes channels sixteen at a time.</summary>
    public static bool Takes(in ConvolutionGeometry g) => SimdWinograd.Takes(g);

    /// <summary>Launches the kernels; called by <see cref="Convolution"/>, which has checked the sizes.</summary>
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
        var blocks = Division.CeilDiv(sizes.OutputC, Lanes);
        var tiles = sizes.OutputN * Division.CeilDiv(sizes.OutputH, WinogradTransform.TileOutputs)
            * Division.CeilDiv(sizes.OutputW, WinogradTransform.TileOutputs);
        var bytesPerTile = Values * (sizes.InputC + blocks * Lanes) * sizeof(float);
        var atOnce = Math.Min(Math.Max(LocalTile.Rows, StageBytes / bytesPerTile / LocalTile.Rows * LocalTile.Rows), tiles);
        using var v = device.Rent<float>((long)Values * atOnce * sizes.InputC);
        using var m = device.Rent<float>((long)Values * atOnce * blocks * Lanes);
        foreach (var part in WinogradTiles.Of(sizes, atOnce))
        {
            var strips = Division.CeilDiv(part.Count, TilesPerThread * LocalTile.Rows);
            device.LaunchGroups(InputKernel, new KernelConfig(part.Count, 1), input, sizes, part, v.View);
            device.LaunchGroups(ProductKernel, new KernelConfig(Values * strips * blocks, 1), v.View, weights, sizes, part, m.View);
            device.LaunchGroups(OutputKernel, new KernelConfig(part.Count, 1), m.View, bias, residual, sizes, part, output);
        }
    }

    /// <summary>One thread = one input tile, all channels, 16 at a time.</summary>
    [OpenClCpuKernel]
    internal static void InputKernel(ArrayView<float> input, ConvolutionSizes sizes, WinogradTiles part, ArrayView<float> v)
    {
        const int Side = WinogradTransform.TileInputs;
        var half = LocalMemory.Allocate1D<float>(Values * Lanes);
        var d = LocalMemory.Allocate1D<float>(Side * Lanes);
        var t = Grid.IdxX;
        var (n, y0, x0) = part.Corner(t);
        y0 -= sizes.PaddingY;
        x0 -= sizes.PaddingX;
        var step = part.Count * sizes.InputC;
        for (var c = 0; c < sizes.InputC; c += Lanes)
        {
            for (var x = 0; x < Side; x++)
            {
                var isColumn = x0 + x >= 0 && x0 + x < sizes.InputW;
                for (var y = 0; y < Side; y++)
                {
                    var inside = isColumn && y0 + y >= 0 && y0 + y < sizes.InputH;
                    var from = inside ? ((n * sizes.InputH + y0 + y) * sizes.InputW + x0 + x) * sizes.InputC + c : 0;
                    for (var i = 0; i < Lanes; i++)
                        d[y * Lanes + i] = inside ? input[from + i] : 0;
                }
                InputPass(d, 0, Lanes, half, x * Lanes, Side * Lanes);
            }
            for (var y = 0; y < Side; y++)
                InputPass(half, y * Side * Lanes, Lanes, v, t * sizes.InputC + c + y * Side * step, step);
        }
    }

    /// <summary>One thread = some tiles × 16 output channels of one of the 36 products.</summary>
    [OpenClCpuKernel]
    internal static void ProductKernel(
        ArrayView<float> v, ArrayView<float> weights, ConvolutionSizes sizes, WinogradTiles part, ArrayView<float> m)
    {
        var sums = LocalMemory.Allocate1D<float>(LocalTile.Rows * Lanes);
        var strips = (part.Count + TilesPerThread * LocalTile.Rows - 1) / (TilesPerThread * LocalTile.Rows);
        var blocks = (sizes.OutputC + Lanes - 1) / Lanes;
        var block = Grid.IdxX % blocks;
        var strip = Grid.IdxX / blocks % strips;
        var value = Grid.IdxX / blocks / strips;
        var end = IntrinsicMath.Min((strip + 1) * TilesPerThread * LocalTile.Rows, part.Count);
        var weight = (block * Values + value) * sizes.InputC * Lanes;
        for (var t = strip * TilesPerThread * LocalTile.Rows; t < end; t += LocalTile.Rows)
        {
            LocalTile.Multiply(v, (value * part.Count + t) * sizes.InputC, end - t, sizes.InputC, weights, weight, sums);
            var rows = IntrinsicMath.Min(LocalTile.Rows, end - t);
            for (var r = 0; r < rows; r++)
            {
                var to = ((value * part.Count + t + r) * blocks + block) * Lanes;
                for (var i = 0; i < Lanes; i++)
                    m[to + i] = sums[r * Lanes + i];
            }
        }
    }

    /// <summary>One thread = one output tile, all channels, 16 at a time.</summary>
    [OpenClCpuKernel]
    internal static void OutputKernel(
        ArrayView<float> m, ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes, WinogradTiles part,
        ArrayView<float> output)
    {
        const int Inputs = WinogradTransform.TileInputs;
        const int Outputs = WinogradTransform.TileOutputs;
        var half = LocalMemory.Allocate1D<float>(Outputs * Inputs * Lanes);
        var sums = LocalMemory.Allocate1D<float>(Outputs * Lanes);
        var t = Grid.IdxX;
        var (n, y0, x0) = part.Corner(t);
        var blocks = (sizes.OutputC + Lanes - 1) / Lanes;
        var step = part.Count * blocks * Lanes;
        var rows = IntrinsicMath.Min(Outputs, sizes.OutputH - y0);
        var columns = IntrinsicMath.Min(Outputs, sizes.OutputW - x0);
        for (var block = 0; block < blocks; block++)
        {
            var from = (t * blocks + block) * Lanes;
            for (var x = 0; x < Inputs; x++)
                OutputPass(m, from + x * step, Inputs * step, half, x * Lanes, Inputs * Lanes);
            var k = block * Lanes;
            for (var y = 0; y < rows; y++)
            {
                OutputPass(half, y * Inputs * Lanes, Lanes, sums, 0, Lanes);
                var pixel = (n * sizes.OutputH + y0 + y) * sizes.OutputW + x0;
                for (var x = 0; x < columns; x++)
                {
                    LocalTile.Finish(
                        sums, x * Lanes, bias, residual, sizes, pixel + x, k, IntrinsicMath.Min(Lanes, sizes.OutputC - k), output);
                }
            }
        }
    }

    /// <summary>Computes Bᵀ d of one column for 16 channels (see <see cref="SimdWinogradTransform"/>).</summary>
    private static void InputPass(ArrayView<float> d, int from, int fromStep, ArrayView<float> result, int to, int toStep)
    {
        for (var i = 0; i < Lanes; i++)
        {
            var at = from + i;
            var d1 = d[at + fromStep];
            var d2 = d[at + 2 * fromStep];
            var d3 = d[at + 3 * fromStep];
            var d4 = d[at + 4 * fromStep];
            var evenA = d4 - WinogradTransform.B2 * d2;
            var oddA = WinogradTransform.A * (d3 - WinogradTransform.B2 * d1);
            var evenB = d4 - WinogradTransform.A2 * d2;
            var oddB = WinogradTransform.B * (d3 - WinogradTransform.A2 * d1);
            var first = d4 - WinogradTransform.Sum * d2 + WinogradTransform.Product * d[at];
            var last = d[at + 5 * fromStep] - WinogradTransform.Sum * d3 + WinogradTransform.Product * d1;
            result[to + i] = first;
            result[to + i + toStep] = evenA + oddA;
            result[to + i + 2 * toStep] = evenA - oddA;
            result[to + i + 3 * toStep] = evenB + oddB;
            result[to + i + 4 * toStep] = evenB - oddB;
            result[to + i + 5 * toStep] = last;
        }
    }

    /// <summary>Computes Aᵀ m of one column for 16 channels.</summary>
    private static void OutputPass(ArrayView<float> m, int from, int fromStep, ArrayView<float> result, int to, int toStep)
    {
        for (var i = 0; i < Lanes; i++)
        {
            var at = from + i;
            var m1 = m[at + fromStep];
            var m2 = m[at + 2 * fromStep];
            var m3 = m[at + 3 * fromStep];
            var m4 = m[at + 4 * fromStep];
            var evenA = m1 + m2;
            var oddA = m1 - m2;
            var evenB = m3 + m4;
            var oddB = m3 - m4;
            var first = m[at] + evenA + evenB;
            var last = WinogradTransform.A3 * oddA + WinogradTransform.B3 * oddB + m[at + 5 * fromStep];
            result[to + i] = first;
            result[to + i + toStep] = WinogradTransform.A * oddA + WinogradTransform.B * oddB;
            result[to + i + 2 * toStep] = WinogradTransform.A2 * evenA + WinogradTransform.B2 * evenB;
            result[to + i + 3 * toStep] = last;
        }
    }
}
