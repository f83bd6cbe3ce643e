using System.Runtime.CompilerServices;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The second rung on a CPU: one pixel at a time, with a block of neighbouring output channels side by side in SIMD registers. It is
/// about 50 times as fast as one output at a time, thanks to the width of the registers and to reading weights in the order in which
/// they are stored. Its limit is that each weight is loaded for a single multiplication; <see cref="ConvolutionTile"/>, the next rung,
/// uses it for 12.
/// </summary>
internal static unsafe class SimdVectorConvolution
{
    /// <summary>Launches the kernel; called by <see cref="Convolution"/>, which has checked the sizes.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="sizes">All sizes.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="weights">[blocks of K, kh, kw, C / groups, channels of a block].</param>
    /// <param name="bias">[K].</param>
    /// <param name="residual">[N, OH, OW, K], or the coarser map; not read if there is none.</param>
    /// <param name="output">[N, OH, OW, K].</param>
    public static void Run(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias,
        ArrayView<float> residual, ArrayView<float> output)
    {
        sizes = sizes with { Tiling = new Tiling(SimdTile.Channels, 1, 1) };
        device.Launch(Kernel, sizes.OutputN * sizes.OutputH, input, weights, bias, residual, sizes, output);
    }

    /// <summary>One thread = one output row.</summary>
    [CpuKernel]
    internal static void Kernel(
        Index1D row, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, ArrayView<float> output)
        => Compute(input, weights, bias, residual, sizes, row, output);

    [IntrinsicImplementation]
    private static void Compute(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes,
        int row, ArrayView<float> output)
    {
        fixed (float* x = &input[0], w = &weights[0], b = &bias[0], r = &residual[0], o = &output[0])
        {
            for (var px = 0; px < sizes.OutputW; px++)
                Pixel(x, w, b, r, sizes, row / sizes.OutputH, row % sizes.OutputH, px, o);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pixel(
        float* input, float* weights, float* bias, float* residual, in ConvolutionSizes s, int n, int y, int x, float* output)
    {
        var sums = stackalloc float[SimdTile.Channels];
        for (var block = 0; block < s.ChannelGroups * s.BlocksPerChannelGroup; block++)
        {
            var group = block / s.BlocksPerChannelGroup;
            var w = weights + (long)block * s.KernelH * s.KernelW * s.ChannelGroupInputC * SimdTile.Channels;
            var (s0, s1, s2, s3) = (Lanes8.Of(0), Lanes8.Of(0), Lanes8.Of(0), Lanes8.Of(0));
            for (var ky = 0; ky < s.KernelH; ky++)
            {
                var iy = y * s.StrideY - s.PaddingY + ky * s.DilationY;
                for (var kx = 0; kx < s.KernelW; kx++)
                {
                    var ix = x * s.StrideX - s.PaddingX + kx * s.DilationX;
                    if (iy < 0 || iy >= s.InputH || ix < 0 || ix >= s.InputW)
                    {
                        w += s.ChannelGroupInputC * SimdTile.Channels;
                        continue;
                    }
                    var from = input + (((long)n * s.InputH + iy) * s.InputW + ix) * s.InputC + group * s.ChannelGroupInputC;
                    for (var c = 0; c < s.ChannelGroupInputC; c++, w += SimdTile.Channels)
                    {
                        var value = Lanes8.Of(from[c]);
                        s0 = value.MultiplyAdd(Lanes8.Load(w), s0);
                        s1 = value.MultiplyAdd(Lanes8.Load(w + 8), s1);
                        if (SimdTile.Channels == 16)
                            continue;
                        s2 = value.MultiplyAdd(Lanes8.Load(w + 16), s2);
                        s3 = value.MultiplyAdd(Lanes8.Load(w + 24), s3);
                    }
                }
            }
            s0.Store(sums);
            s1.Store(sums + 8);
            if (SimdTile.Channels == 32)
            {
                s2.Store(sums + 16);
                s3.Store(sums + 24);
            }
            var groupK = (block - group * s.BlocksPerChannelGroup) * SimdTile.Channels;
            SimdTile.Finish(
                sums, bias, residual, s, n, y, x, group * s.ChannelGroupOutputC + groupK, 1,
                Math.Min(SimdTile.Channels, s.ChannelGroupOutputC - groupK), output);
        }
    }
}
