using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of max pooling, which goes to the pixel that each maximum came from; of equal ones to the first in the window, as in
/// PyTorch:
/// <code>din[p] += Σ dout[w]   over the windows w that contain p, where p is the first of w with in[p] = out[w]</code>
/// Each pixel gathers from the windows that contain it, which may overlap. So nothing is stored but input and output, and no two threads
/// write to the same place. With a 1×1 window and stride 2 it is the gradient of P6's subsampling.
/// </summary>
internal static class MaxPoolBackward
{
    /// <summary>Adds the gradient to that of the input.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="output">[N, OH, OW, C], which <see cref="MaxPool"/> computed from the input.</param>
    /// <param name="outputGradient">dout, [N, OH, OW, C].</param>
    /// <param name="kernel">Side of the window, in px.</param>
    /// <param name="stride">Distance between neighbouring outputs, in px.</param>
    /// <param name="padding">Border that the window may reach into, in px.</param>
    /// <param name="inputGradient">din, [N, H, W, C], to which the gradient is added.</param>
    public static void Run(
        Device device, Tensor input, Tensor output, Tensor outputGradient, int kernel, int stride, int padding, Tensor inputGradient)
    {
        var expected = MaxPool.OutputShape(input.Shape, kernel, stride, padding);
        if (output.Shape != expected || outputGradient.Shape != expected || inputGradient.Shape != input.Shape)
            throw new ArgumentException($"Output and its gradient must be {expected}, not {output.Shape} and {outputGradient.Shape}.");
        var pixels = input.Shape.Pixels;
        var grain = Grain.For(device, pixels, expected.C);
        var sizes = new MaxPool.Sizes(input.Shape, expected, kernel, stride, padding);
        device.Launch(
            Kernel, grain.Threads(pixels, expected.C), input.View, output.View, outputGradient.View, sizes, grain, inputGradient.View);
    }

    /// <summary>One thread = some input pixels × some channels (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> input, ArrayView<float> output, ArrayView<float> outputGradient, MaxPool.Sizes sizes, Grain grain,
        ArrayView<float> inputGradient)
    {
        var channels = sizes.Output.C;
        var (h, w) = (sizes.Input.H, sizes.Input.W);
        var parts = (channels + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var count = IntrinsicMath.Min(grain.Channels, channels - c);
        var first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Input.N * h * w);
        for (var pixel = first; pixel < end; pixel++)
        {
            var (x, y, n) = (pixel % w, pixel / w % h, pixel / w / h);
            // A window begins at o·s − p. These are the windows that contain the pixel and exist.
            var lastY = IntrinsicMath.Min((y + sizes.Padding) / sizes.Stride, sizes.Output.H - 1);
            var lastX = IntrinsicMath.Min((x + sizes.Padding) / sizes.Stride, sizes.Output.W - 1);
            for (var oy = FirstWindow(y, sizes); oy <= lastY; oy++)
            {
                for (var ox = FirstWindow(x, sizes); ox <= lastX; ox++)
                {
                    var top = IntrinsicMath.Max(oy * sizes.Stride - sizes.Padding, 0);
                    var left = IntrinsicMath.Max(ox * sizes.Stride - sizes.Padding, 0);
                    var columns = IntrinsicMath.Min(ox * sizes.Stride - sizes.Padding + sizes.Kernel, w) - left;
                    var corner = ((n * h + top) * w + left) * channels + c;
                    var window = new MaxPool.Window(corner, y - top + 1, columns, w * channels, channels);
                    var from = ((n * sizes.Output.H + oy) * sizes.Output.W + ox) * channels + c;
                    AddWhereFirst(
                        input, window, (y - top) * columns + x - left, output, outputGradient, from, count, pixel * channels + c,
                        inputGradient);
                }
            }
        }
    }

    /// <summary>The CPU body: the channels of one pixel in one window, by SIMD.</summary>
    /// <param name="input">All values, [N, H, W, C].</param>
    /// <param name="window">The window, down to the row of the pixel.</param>
    /// <param name="own">The pixel's number in the window.</param>
    /// <param name="output">The maxima, [N, OH, OW, C] or [R, bins, bins, C].</param>
    /// <param name="outputGradient">Their gradients, of the same shape.</param>
    /// <param name="from">Index of the window's maximum.</param>
    /// <param name="count">The number of channels.</param>
    /// <param name="to">Index of the pixel's gradient.</param>
    /// <param name="inputGradient">[N, H, W, C], to which the gradients are added.</param>
    [IntrinsicImplementation]
    public static void AddWhereFirst(
        ArrayView<float> input, MaxPool.Window window, int own, ArrayView<float> output, ArrayView<float> outputGradient, int from,
        int count, int to, ArrayView<float> inputGradient)
    {
        var c = 0;
        for (; c + Vector<float>.Count <= count; c += Vector<float>.Count)
        {
            var max = ChannelRun.Load(output, from + c);
            var first = Vector.Equals(ChannelRun.Load(input, window.At(own) + c), max);
            for (var i = 0; i < own && first != Vector<int>.Zero; i++)
                first = Vector.AndNot(first, Vector.Equals(ChannelRun.Load(input, window.At(i) + c), max));
            if (first == Vector<int>.Zero)
                continue;
            var gradient = Vector.ConditionalSelect(first, ChannelRun.Load(outputGradient, from + c), Vector<float>.Zero);
            ChannelRun.Store(ChannelRun.Load(inputGradient, to + c) + gradient, inputGradient, to + c);
        }
        AddWhereFirstOnDevice(
            input, window with { From = window.From + c }, own, output, outputGradient, from + c, count - c, to + c, inputGradient);
    }

    /// <summary>The GPU body: usually one channel.</summary>
    [DeviceBody(nameof(AddWhereFirst))]
    public static void AddWhereFirstOnDevice(
        ArrayView<float> input, MaxPool.Window window, int own, ArrayView<float> output, ArrayView<float> outputGradient, int from,
        int count, int to, ArrayView<float> inputGradient)
    {
        for (var c = 0; c < count; c++)
        {
            var max = output[from + c];
            var first = 0;
            while (input[window.At(first) + c] != max && first < own)
                first++;
            if (first == own && input[window.At(own) + c] == max)
                inputGradient[to + c] += outputGradient[from + c];
        }
    }

    /// <summary>Returns the first of the windows along an axis that contain a pixel.</summary>
    private static int FirstWindow(int pixel, MaxPool.Sizes sizes)
        => IntrinsicMath.Max(0, (pixel + sizes.Padding - sizes.Kernel + sizes.Stride) / sizes.Stride);
}
