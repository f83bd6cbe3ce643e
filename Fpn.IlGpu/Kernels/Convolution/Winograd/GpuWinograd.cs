using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// A 3×3 convolution of stride 1 by <see cref="WinogradTransform"/> on GPUs, in three kernels. It computes some tiles at a time, so that
/// the intermediate V and M stay small:
/// <code>
/// V[tiles, 36, C] = Bᵀ d B        M[tiles, 36, K] = V · U[36, C, K] by register tiles        output = f(Aᵀ M A + …)
/// </code>
/// The 36 products are one launch: a 1×1 convolution of 36 · C channels in 36 channel groups, which <see cref="RegisterTile"/> computes
/// unchanged. Compared with that tile on the map itself, it does a quarter of the multiplications, but also writes and reads V and M.
/// This pays from about 64 channels on. Tensor cores don't use it, because the transforms would magnify their rounding errors.
/// </summary>
internal static class GpuWinograd
{
    private const int Values = WinogradTransform.Values;

    // Bytes of V and M for the tiles that are computed at a time: about the last-level cache of a large GPU.
    private const int StageBytes = 32 << 20;

    // With fewer input or output channels, the transforms cost as much as they save.
    private const int LeastChannels = 64;

    /// <summary>Whether this form can compute a convolution.</summary>
    public static bool Takes(Device device, in ConvolutionGeometry geometry)
        => SimdWinograd.Takes(geometry) && ImplicitGemm.Fits(device, ConvolutionForm.RegisterTile, geometry.OutputC);

    /// <summary>Whether this form is faster than the register tile.</summary>
    public static bool Pays(in ConvolutionGeometry geometry)
        => geometry.ChannelGroupInputC >= LeastChannels && geometry.OutputC >= LeastChannels;

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
        var shape = RegisterTile.Shape;
        var bytesPerTile = Values * (sizes.InputC + sizes.OutputC) * sizeof(float);
        var tiles = sizes.OutputN * Division.CeilDiv(sizes.OutputH, WinogradTransform.TileOutputs)
            * Division.CeilDiv(sizes.OutputW, WinogradTransform.TileOutputs);
        var atOnce = Math.Min(Math.Max(1, StageBytes / bytesPerTile / shape.Pixels) * shape.Pixels, tiles);
        using var v = device.Rent<float>((long)atOnce * Values * sizes.InputC);
        using var m = device.Rent<float>((long)atOnce * Values * sizes.OutputC);
        foreach (var part in WinogradTiles.Of(sizes, atOnce))
        {
            device.Launch(InputKernel, part.Count * sizes.InputC, input, sizes, part, v.View);
            var products = Products(sizes, part.Count);
            var tiling = GroupTiling.OfWinograd(shape, products);
            // No residual is added yet and all tiles count: the arrays that stand in for both are not read.
            device.LaunchGroups(
                RegisterTile.Kernel, tiling.Groups(products, shape.Threads), v.View, weights, bias, m.View, bias.Cast<int>(), products,
                tiling, m.View);
            device.Launch(OutputKernel, part.Count * sizes.OutputC, m.View, bias, residual, sizes, part, output);
        }
    }

    /// <summary>One thread = the 36 transformed values of one channel of one input tile.</summary>
    internal static void InputKernel(
        Index1D index, ArrayView<float> input, ConvolutionSizes sizes, WinogradTiles part, ArrayView<float> v)
    {
        int i = index;
        var tile = i / sizes.InputC;
        var c = i % sizes.InputC;
        var (n, y, x) = part.Corner(tile);
        var reader = new WindowReader(n * sizes.InputH * sizes.InputW * sizes.InputC, y - sizes.PaddingY, x - sizes.PaddingX);
        var x0 = Column(input, reader, 0, c, sizes).Input();
        var x1 = Column(input, reader, 1, c, sizes).Input();
        var x2 = Column(input, reader, 2, c, sizes).Input();
        var x3 = Column(input, reader, 3, c, sizes).Input();
        var x4 = Column(input, reader, 4, c, sizes).Input();
        var x5 = Column(input, reader, 5, c, sizes).Input();
        var to = tile * Values * sizes.InputC + c;
        var step = sizes.InputC;
        StoreSix(v, to, step, new SixValues(x0.V0, x1.V0, x2.V0, x3.V0, x4.V0, x5.V0).Input());
        StoreSix(v, to + 6 * step, step, new SixValues(x0.V1, x1.V1, x2.V1, x3.V1, x4.V1, x5.V1).Input());
        StoreSix(v, to + 12 * step, step, new SixValues(x0.V2, x1.V2, x2.V2, x3.V2, x4.V2, x5.V2).Input());
        StoreSix(v, to + 18 * step, step, new SixValues(x0.V3, x1.V3, x2.V3, x3.V3, x4.V3, x5.V3).Input());
        StoreSix(v, to + 24 * step, step, new SixValues(x0.V4, x1.V4, x2.V4, x3.V4, x4.V4, x5.V4).Input());
        StoreSix(v, to + 30 * step, step, new SixValues(x0.V5, x1.V5, x2.V5, x3.V5, x4.V5, x5.V5).Input());
    }

    /// <summary>One thread = the 4 × 4 outputs of one channel of one output tile.</summary>
    internal static void OutputKernel(
        Index1D index, ArrayView<float> m, ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes,
        WinogradTiles part, ArrayView<float> output)
    {
        int i = index;
        var tile = i / sizes.OutputC;
        var k = i % sizes.OutputC;
        var step = sizes.OutputC;
        var from = tile * Values * step + k;
        var (n, y, x) = part.Corner(tile);
        var y0 = LoadSix(m, from, step).Output();
        var y1 = LoadSix(m, from + 6 * step, step).Output();
        var y2 = LoadSix(m, from + 12 * step, step).Output();
        var y3 = LoadSix(m, from + 18 * step, step).Output();
        var y4 = LoadSix(m, from + 24 * step, step).Output();
        var y5 = LoadSix(m, from + 30 * step, step).Output();
        StoreColumn(new SixValues(y0.X, y1.X, y2.X, y3.X, y4.X, y5.X).Output(), bias[k], residual, sizes, n, y, x, k, output);
        StoreColumn(new SixValues(y0.Y, y1.Y, y2.Y, y3.Y, y4.Y, y5.Y).Output(), bias[k], residual, sizes, n, y, x + 1, k, output);
        StoreColumn(new SixValues(y0.Z, y1.Z, y2.Z, y3.Z, y4.Z, y5.Z).Output(), bias[k], residual, sizes, n, y, x + 2, k, output);
        StoreColumn(new SixValues(y0.W, y1.W, y2.W, y3.W, y4.W, y5.W).Output(), bias[k], residual, sizes, n, y, x + 3, k, output);
    }

    // The 36 products as one convolution, in which each tile is a pixel.
    private static ConvolutionSizes Products(ConvolutionSizes sizes, int tiles) => sizes with
    {
        InputH = 1,
        InputW = tiles,
        InputC = Values * sizes.InputC,
        OutputN = 1,
        OutputH = 1,
        OutputW = tiles,
        OutputC = Values * sizes.OutputC,
        KernelH = 1,
        KernelW = 1,
        PaddingY = 0,
        PaddingX = 0,
        ChannelGroups = Values,
        Residual = Residual.None,
        Activation = Activation.None,
    };

    private static SixValues Column(ArrayView<float> input, WindowReader reader, int x, int c, ConvolutionSizes sizes) => new(
        Read(input, reader, 0, x, c, sizes), Read(input, reader, 1, x, c, sizes), Read(input, reader, 2, x, c, sizes),
        Read(input, reader, 3, x, c, sizes), Read(input, reader, 4, x, c, sizes), Read(input, reader, 5, x, c, sizes));

    private static float Read(ArrayView<float> input, WindowReader reader, int y, int x, int c, ConvolutionSizes sizes)
    {
        var iy = reader.Y + y;
        var ix = reader.X + x;
        var inside = (iy >= 0) & (iy < sizes.InputH) & (ix >= 0) & (ix < sizes.InputW);
        return inside ? input[reader.Start + (iy * sizes.InputW + ix) * sizes.InputC + c] : 0;
    }

    private static void StoreSix(ArrayView<float> v, int to, int step, SixValues values)
    {
        v[to] = values.V0;
        v[to + step] = values.V1;
        v[to + 2 * step] = values.V2;
        v[to + 3 * step] = values.V3;
        v[to + 4 * step] = values.V4;
        v[to + 5 * step] = values.V5;
    }

    private static SixValues LoadSix(ArrayView<float> m, int from, int step)
        => new(m[from], m[from + step], m[from + 2 * step], m[from + 3 * step], m[from + 4 * step], m[from + 5 * step]);

    private static void StoreColumn(
        Float4 sums, float bias, ArrayView<float> residual, ConvolutionSizes sizes, int n, int y, int x, int k, ArrayView<float> output)
    {
        if (x >= sizes.OutputW)
            return;
        Store(sums.X + bias, residual, sizes, n, y, x, k, output);
        Store(sums.Y + bias, residual, sizes, n, y + 1, x, k, output);
        Store(sums.Z + bias, residual, sizes, n, y + 2, x, k, output);
        Store(sums.W + bias, residual, sizes, n, y + 3, x, k, output);
    }

    private static void Store(
        float sum, ArrayView<float> residual, ConvolutionSizes sizes, int n, int y, int x, int k, ArrayView<float> output)
    {
        if (y >= sizes.OutputH)
            return;
        if (sizes.Residual != Residual.None)
            sum += residual[sizes.ResidualAt(n, y, x) + k];
        output[((n * sizes.OutputH + y) * sizes.OutputW + x) * sizes.OutputC + k] = Activate.Value(sum, sizes.Activation);
    }
}
