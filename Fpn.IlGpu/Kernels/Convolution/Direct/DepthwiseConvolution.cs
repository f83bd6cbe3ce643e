using System.Numerics;
using System.Runtime.CompilerServices;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// A depthwise convolution, in which every channel is a channel group of its own:
/// <code>
/// out[n, y, x, c] = f( bias[c] + residual[n, y, x, c]
///                         + Σ ky, kx  in[n, y·s − p + ky·d, x·s − p + kx·d, c] · weights[ky, kx, c] )
/// </code>
/// f is the activation. There is no sum over channels, so there is nothing to tile: neighbouring channels are neighbouring lanes.
/// </summary>
internal static class DepthwiseConvolution
{
    /// <summary>Launches the kernel; called by <see cref="Convolution"/>, which has checked the sizes.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="sizes">All sizes.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="weights">[kh, kw, C].</param>
    /// <param name="bias">[C].</param>
    /// <param name="residual">[N, OH, OW, C], or the coarser map; not read if there is none.</param>
    /// <param name="output">[N, OH, OW, C].</param>
    public static void Run(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias,
        ArrayView<float> residual, ArrayView<float> output)
    {
        var pixels = sizes.OutputN * sizes.OutputH * sizes.OutputW;
        var grain = Grain.For(device, pixels, sizes.OutputC);
        device.Launch(
            Kernel, grain.Threads(pixels, sizes.OutputC), input, weights, bias, residual, sizes, grain, output);
    }

    /// <summary>One thread = some output pixels × some channels (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, Grain grain, ArrayView<float> output)
    {
        var parts = (sizes.OutputC + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var channels = IntrinsicMath.Min(grain.Channels, sizes.OutputC - c);
        var first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.OutputN * sizes.OutputH * sizes.OutputW);
        for (var pixel = first; pixel < end; pixel++)
        {
            // Only the rows and columns of the window that are inside the map.
            var x = pixel % sizes.OutputW * sizes.StrideX - sizes.PaddingX;
            var y = pixel / sizes.OutputW % sizes.OutputH * sizes.StrideY - sizes.PaddingY;
            var n = pixel / sizes.OutputW / sizes.OutputH;
            var firstY = IntrinsicMath.Max(0, (-y + sizes.DilationY - 1) / sizes.DilationY);
            var firstX = IntrinsicMath.Max(0, (-x + sizes.DilationX - 1) / sizes.DilationX);
            var endY = IntrinsicMath.Min(sizes.KernelH, (sizes.InputH - y + sizes.DilationY - 1) / sizes.DilationY);
            var endX = IntrinsicMath.Min(sizes.KernelW, (sizes.InputW - x + sizes.DilationX - 1) / sizes.DilationX);
            var window = new DepthwiseWindow(
                (n * sizes.InputH + y) * sizes.InputW + x, firstY, endY, firstX, endX, pixel * sizes.OutputC,
                sizes.ResidualAt(n, pixel / sizes.OutputW % sizes.OutputH, pixel % sizes.OutputW), c, channels);
            Accumulate(input, weights, bias, residual, sizes, window, output);
        }
    }

    /// <summary>The CPU body: the channels of one pixel, by SIMD.</summary>
    [IntrinsicImplementation]
    public static unsafe void Accumulate(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, DepthwiseWindow window, ArrayView<float> output)
    {
        var inVectors = window.Channels / Vector<float>.Count * Vector<float>.Count;
        fixed (float* x = &input[0], w = &weights[0], b = &bias[0], r = &residual[0], o = &output[0])
            Pixel(x, w, b, sizes.Residual == Residual.None ? null : r, sizes, window with { Channels = inVectors }, o);
        var rest = window with { FirstC = window.FirstC + inVectors, Channels = window.Channels - inVectors };
        AccumulateOnDevice(input, weights, bias, residual, sizes, rest, output);
    }

    /// <summary>Computes whole vectors of channels, four at a time as far as they go: four sums don't wait for each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Pixel(
        float* input, float* weights, float* bias, float* residual, in ConvolutionSizes s, in DepthwiseWindow window, float* output)
    {
        var width = Vector<float>.Count;
        var (c, end) = (window.FirstC, window.FirstC + window.Channels);
        while (c < end)
        {
            var four = c + 4 * width <= end;
            var s0 = Vector.Load(bias + c);
            var (s1, s2, s3) = (s0, s0, s0);
            if (four)
                (s1, s2, s3) = (Vector.Load(bias + c + width), Vector.Load(bias + c + 2 * width), Vector.Load(bias + c + 3 * width));
            for (var ky = window.FirstY; ky < window.EndY; ky++)
            {
                var from = input + window.InputAt(s, ky, window.FirstX) + c;
                var weight = weights + (ky * s.KernelW + window.FirstX) * s.OutputC + c;
                for (var kx = window.FirstX; kx < window.EndX; kx++, from += s.DilationX * s.InputC, weight += s.OutputC)
                {
                    s0 += Vector.Load(from) * Vector.Load(weight);
                    if (!four)
                        continue;
                    s1 += Vector.Load(from + width) * Vector.Load(weight + width);
                    s2 += Vector.Load(from + 2 * width) * Vector.Load(weight + 2 * width);
                    s3 += Vector.Load(from + 3 * width) * Vector.Load(weight + 3 * width);
                }
            }
            Finish(s0, residual, s, window, c, output);
            c += width;
            if (!four)
                continue;
            Finish(s1, residual, s, window, c, output);
            Finish(s2, residual, s, window, c + width, output);
            Finish(s3, residual, s, window, c + 2 * width, output);
            c += 3 * width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Finish(
        Vector<float> sum, float* residual, in ConvolutionSizes s, in DepthwiseWindow window, int c, float* output)
    {
        if (residual != null)
            sum += Vector.Load(residual + window.ResidualPixel + c);
        Activate.Lanes(sum, s.Activation).Store(output + window.OutputPixel + c);
    }

    /// <summary>The GPU body: usually one channel of one pixel.</summary>
    [DeviceBody(nameof(Accumulate))]
    public static void AccumulateOnDevice(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, DepthwiseWindow window, ArrayView<float> output)
    {
        for (var c = window.FirstC; c < window.FirstC + window.Channels; c++)
        {
            var sum = bias[c];
            for (var ky = window.FirstY; ky < window.EndY; ky++)
            {
                for (var kx = window.FirstX; kx < window.EndX; kx++)
                    sum += input[window.InputAt(sizes, ky, kx) + c] * weights[(ky * sizes.KernelW + kx) * sizes.OutputC + c];
            }
            if (sizes.Residual != Residual.None)
                sum += residual[window.ResidualPixel + c];
            output[window.OutputPixel + c] = Activate.Value(sum, sizes.Activation);
        }
    }

    /// <summary>The part of a window that is inside the map, and the channels to compute.</summary>
    internal readonly record struct DepthwiseWindow(
        int InputPixel, int FirstY, int EndY, int FirstX, int EndX, int OutputPixel, int ResidualPixel, int FirstC, int Channels)
    {
        public int InputAt(ConvolutionSizes sizes, int ky, int kx)
            => (InputPixel + ky * sizes.DilationY * sizes.InputW + kx * sizes.DilationX) * sizes.InputC;
    }
}
