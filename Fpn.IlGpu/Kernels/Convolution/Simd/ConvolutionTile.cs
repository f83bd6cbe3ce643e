using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>Where a thread of the tiled kernel works: its picture, output row, first pixel and first block of channels.</summary>
internal readonly record struct TilePosition(int N, int Y, int X, int Block)
{
    /// <summary>
    /// Returns a thread's position. The block of channels changes slowest, so that threads that run one after another read the same
    /// weights.
    /// </summary>
    public static TilePosition Of(int index, ConvolutionSizes sizes)
    {
        var segments = (sizes.OutputW + sizes.Tiling.SegmentPixels - 1) / sizes.Tiling.SegmentPixels;
        var x = index % segments * sizes.Tiling.SegmentPixels;
        var y = index / segments % sizes.OutputH;
        var n = index / segments / sizes.OutputH % sizes.OutputN;
        var block = index / segments / sizes.OutputH / sizes.OutputN * sizes.Tiling.BlocksPerThread;
        return new TilePosition(n, y, x, block);
    }
}

/// <summary>
/// The inner block of a convolution: multiply-adds for a few neighbouring pixels × a few output channels, then bias, residual and
/// activation. Each loaded value is used for a whole row or column of the tile, which is what makes it fast. The tile is one intrinsic
/// with a body for each kind of device: SIMD on a CPU (<see cref="SimdConvolution"/>), an accumulator array on OpenCL, which the
/// driver's compiler turns into vector registers, and scalars on CUDA.
/// </summary>
internal static class ConvolutionTile
{
    private const int OpenClPixels = 6;
    private const int OpenClChannels = 16;
    private const int CudaPixels = 4;
    private const int CudaChannels = 4;

    // What a CPU thread reads repeatedly should stay in a second-level cache of 2 MB: the weights of its blocks, which all tiles of the
    // segment read, and the segment's input, which all blocks read. Where one of them takes the space, the other is streamed.
    private const int CpuSegmentPixels = 120;
    private const int CpuBlocksPerThread = 8;
    private const int CpuWeightBytes = 1_200_000;
    private const int CpuInputBytes = 800_000;

    /// <summary>Returns the pixels × output channels of a tile on a device.</summary>
    public static (int Pixels, int Channels) Shape(Device device) => device.Info.Kind switch
    {
        DeviceKind.Cpu => (SimdTile.Pixels, SimdTile.Channels),
        DeviceKind.OpenCl => (OpenClPixels, OpenClChannels),
        _ => (CudaPixels, CudaChannels),
    };

    /// <summary>Splits the output among threads: one tile each on a GPU; on a CPU several, as long as there are enough threads.</summary>
    public static ConvolutionSizes Plan(Device device, ConvolutionSizes sizes)
    {
        var (pixels, channels) = Shape(device);
        var plan = sizes with { Tiling = new Tiling(channels, pixels, 1) };
        if (device.Info.Kind != DeviceKind.Cpu)
            return plan;

        // There must be enough threads to keep every core busy to the end. Beyond that, larger parts reuse more of the cache.
        var enough = device.Threads * 6;
        var values = SimdConvolution.SliceDepth(plan);
        var inputBytes = values * plan.StrideX / plan.KernelW * sizeof(float);
        var segment = Math.Min(CpuSegmentPixels, CpuInputBytes / inputBytes) / pixels * pixels;
        segment = Math.Clamp(segment, pixels, Division.CeilDiv(plan.OutputW, pixels) * pixels);
        var blocks = plan.ChannelGroups == 1
            ? Math.Clamp(CpuWeightBytes / (values * channels * sizeof(float)), 1, CpuBlocksPerThread)
            : 1;
        while (true)
        {
            plan = plan with { Tiling = new Tiling(channels, segment, blocks) };
            if (Threads(plan) >= enough || (blocks == 1 && segment <= pixels))
                return plan;
            if (blocks > 1)
                blocks /= 2;
            else
                segment = Math.Max(pixels, segment / 2 / pixels * pixels);
        }
    }

    /// <summary>Returns the number of threads of the tiled kernel.</summary>
    public static int Threads(ConvolutionSizes sizes)
        => Division.CeilDiv(sizes.OutputW, sizes.Tiling.SegmentPixels) * sizes.OutputH * sizes.OutputN
            * Division.CeilDiv(sizes.ChannelGroups * sizes.BlocksPerChannelGroup, sizes.Tiling.BlocksPerThread);

    /// <summary>The CPU body: a segment × blocks of channels, by SIMD.</summary>
    [IntrinsicImplementation]
    public static unsafe void Run(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, TilePosition at, ArrayView<float> output)
    {
        fixed (float* x = &input[0], w = &weights[0], b = &bias[0], r = &residual[0], o = &output[0])
            SimdConvolution.Run(x, w, b, r, sizes, at, o);
    }

    /// <summary>On OpenCL: one tile; the loops have constant bounds, so a compiler unrolls and vectorises them.</summary>
    [DeviceBody(nameof(Run), For = Backends.OpenCl)]
    public static void RunOpenCl(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, TilePosition at, ArrayView<float> output)
    {
        var sums = LocalMemory.Allocate1D<float>(OpenClPixels * OpenClChannels);
        for (var i = 0; i < OpenClPixels * OpenClChannels; i++)
            sums[i] = 0;

        var group = at.Block / sizes.BlocksPerChannelGroup;
        var depth = sizes.ChannelGroupInputC;
        var weight = at.Block * sizes.KernelH * sizes.KernelW * depth * OpenClChannels;
        for (var ky = 0; ky < sizes.KernelH; ky++)
        {
            var iy = at.Y * sizes.StrideY - sizes.PaddingY + ky * sizes.DilationY;
            if (iy < 0 || iy >= sizes.InputH)
            {
                weight += sizes.KernelW * depth * OpenClChannels;
                continue;
            }
            var row = ((at.N * sizes.InputH + iy) * sizes.InputW) * sizes.InputC + group * depth;
            for (var kx = 0; kx < sizes.KernelW; kx++)
            {
                var ix = at.X * sizes.StrideX - sizes.PaddingX + kx * sizes.DilationX;
                for (var c = 0; c < depth; c++)
                {
                    for (var p = 0; p < OpenClPixels; p++)
                    {
                        // Outside the map, a valid address is read and its value dropped, which needs no branch.
                        var px = ix + p * sizes.StrideX;
                        var inside = px >= 0 && px < sizes.InputW;
                        var value = input[row + (inside ? px : 0) * sizes.InputC + c];
                        value = inside ? value : 0;
                        for (var k = 0; k < OpenClChannels; k++)
                            sums[p * OpenClChannels + k] += value * weights[weight + k];
                    }
                    weight += OpenClChannels;
                }
            }
        }
        for (var p = 0; p < OpenClPixels; p++)
        {
            for (var k = 0; k < OpenClChannels; k++)
                Store(bias, residual, sizes, at, p, k, sums[p * OpenClChannels + k], output);
        }
    }

    /// <summary>The CUDA body: one tile of scalars, which stay in registers where an array would not.</summary>
    [DeviceBody(nameof(Run), For = Backends.Ptx)]
    public static void RunCuda(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, TilePosition at, ArrayView<float> output)
    {
        var s00 = 0f;
        var s01 = 0f;
        var s02 = 0f;
        var s03 = 0f;
        var s10 = 0f;
        var s11 = 0f;
        var s12 = 0f;
        var s13 = 0f;
        var s20 = 0f;
        var s21 = 0f;
        var s22 = 0f;
        var s23 = 0f;
        var s30 = 0f;
        var s31 = 0f;
        var s32 = 0f;
        var s33 = 0f;

        var group = at.Block / sizes.BlocksPerChannelGroup;
        var depth = sizes.ChannelGroupInputC;
        var weight = at.Block * sizes.KernelH * sizes.KernelW * depth * CudaChannels;
        for (var ky = 0; ky < sizes.KernelH; ky++)
        {
            var iy = at.Y * sizes.StrideY - sizes.PaddingY + ky * sizes.DilationY;
            var rowInside = iy >= 0 && iy < sizes.InputH;
            var row = ((at.N * sizes.InputH + (rowInside ? iy : 0)) * sizes.InputW) * sizes.InputC + group * depth;
            for (var kx = 0; kx < sizes.KernelW; kx++)
            {
                var ix = at.X * sizes.StrideX - sizes.PaddingX + kx * sizes.DilationX;
                for (var c = 0; c < depth; c++)
                {
                    var w0 = weights[weight];
                    var w1 = weights[weight + 1];
                    var w2 = weights[weight + 2];
                    var w3 = weights[weight + 3];
                    weight += CudaChannels;
                    var x0 = Load(input, sizes, rowInside, row + c, ix);
                    s00 += x0 * w0;
                    s01 += x0 * w1;
                    s02 += x0 * w2;
                    s03 += x0 * w3;
                    var x1 = Load(input, sizes, rowInside, row + c, ix + sizes.StrideX);
                    s10 += x1 * w0;
                    s11 += x1 * w1;
                    s12 += x1 * w2;
                    s13 += x1 * w3;
                    var x2 = Load(input, sizes, rowInside, row + c, ix + 2 * sizes.StrideX);
                    s20 += x2 * w0;
                    s21 += x2 * w1;
                    s22 += x2 * w2;
                    s23 += x2 * w3;
                    var x3 = Load(input, sizes, rowInside, row + c, ix + 3 * sizes.StrideX);
                    s30 += x3 * w0;
                    s31 += x3 * w1;
                    s32 += x3 * w2;
                    s33 += x3 * w3;
                }
            }
        }
        Store(bias, residual, sizes, at, 0, 0, s00, output);
        Store(bias, residual, sizes, at, 0, 1, s01, output);
        Store(bias, residual, sizes, at, 0, 2, s02, output);
        Store(bias, residual, sizes, at, 0, 3, s03, output);
        Store(bias, residual, sizes, at, 1, 0, s10, output);
        Store(bias, residual, sizes, at, 1, 1, s11, output);
        Store(bias, residual, sizes, at, 1, 2, s12, output);
        Store(bias, residual, sizes, at, 1, 3, s13, output);
        Store(bias, residual, sizes, at, 2, 0, s20, output);
        Store(bias, residual, sizes, at, 2, 1, s21, output);
        Store(bias, residual, sizes, at, 2, 2, s22, output);
        Store(bias, residual, sizes, at, 2, 3, s23, output);
        Store(bias, residual, sizes, at, 3, 0, s30, output);
        Store(bias, residual, sizes, at, 3, 1, s31, output);
        Store(bias, residual, sizes, at, 3, 2, s32, output);
        Store(bias, residual, sizes, at, 3, 3, s33, output);
    }

    private static float Load(ArrayView<float> input, ConvolutionSizes sizes, bool rowInside, int row, int x)
        => rowInside && x >= 0 && x < sizes.InputW ? input[row + x * sizes.InputC] : 0;

    /// <summary>Ends one output with bias, residual and activation. Stores nothing outside the row or the channel group.</summary>
    private static void Store(
        ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes, TilePosition at, int pixel, int channel,
        float sum, ArrayView<float> output)
    {
        var group = at.Block / sizes.BlocksPerChannelGroup;
        var groupK = (at.Block - group * sizes.BlocksPerChannelGroup) * sizes.Tiling.TileChannels + channel;
        var x = at.X + pixel;
        if (x >= sizes.OutputW || groupK >= sizes.ChannelGroupOutputC)
            return;
        var k = group * sizes.ChannelGroupOutputC + groupK;
        var i = ((at.N * sizes.OutputH + at.Y) * sizes.OutputW + x) * sizes.OutputC + k;
        sum += bias[k];
        if (sizes.Residual != Residual.None)
            sum += residual[sizes.ResidualAt(at.N, at.Y, x) + k];
        output[i] = Activate.Value(sum, sizes.Activation);
    }
}
