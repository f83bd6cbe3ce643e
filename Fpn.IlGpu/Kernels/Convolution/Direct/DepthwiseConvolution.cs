using System.Numerics;
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
    public static void Accumulate(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, DepthwiseWindow window, ArrayView<float> output)
    {
        var c = window.FirstC;
        var end = window.FirstC + window.Channels;
        for (; c + Vector<float>.Count <= end; c += Vector<float>.Count)
        {
            var sum = ChannelRun.Load(bias, c);
            for (var ky = window.FirstY; ky < window.EndY; ky++)
            {
                for (var kx = window.FirstX; kx < window.EndX; kx++)
                {
                    sum += ChannelRun.Load(input, window.InputAt(sizes, ky, kx) + c)
                        * ChannelRun.Load(weights, (ky * sizes.KernelW + kx) * sizes.OutputC + c);
                }
            }
            if (sizes.Residual != Residual.None)
                sum += ChannelRun.Load(residual, window.ResidualPixel + c);
            ChannelRun.Store(Activate.Lanes(sum, sizes.Activation), output, window.OutputPixel + c);
        }
        AccumulateOnDevice(input, weights, bias, residual, sizes, window with { FirstC = c, Channels = end - c }, output);
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
