using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Max pooling over the part of each window that is inside the map:
/// <code>out[n, y, x, c] = max over ky, kx of in[n, y·s − p + ky, x·s − p + kx, c]</code>
/// Values must be finite: not every device passes a NaN on. With a 1×1 window and stride 2 it is the subsampling that gives P6 (paper,
/// section 4.1).
/// </summary>
internal static class MaxPool
{
    /// <summary>Returns the output's shape: floor((in + 2·padding − kernel) / stride) + 1.</summary>
    public static Shape OutputShape(Shape input, int kernel, int stride, int padding)
        => ConvolutionWindow.Square(stride, padding).OutputShape(input, kernel, kernel, input.C);

    /// <summary>Computes the maxima.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="kernel">Side of the window, in px.</param>
    /// <param name="stride">Distance between neighbouring outputs, in px.</param>
    /// <param name="padding">Border that the window may reach into, in px; at most kernel / 2.</param>
    /// <param name="output">[N, OH, OW, C].</param>
    public static void Run(Device device, Tensor input, int kernel, int stride, int padding, Tensor output)
    {
        var expected = OutputShape(input.Shape, kernel, stride, padding);
        if (output.Shape != expected)
            throw new ArgumentException($"The output must be {expected}, not {output.Shape}.", nameof(output));
        if (padding > kernel / 2)
            throw new ArgumentException($"A padding of {padding} px would leave windows of {kernel} px empty.", nameof(padding));
        var pixels = expected.Pixels;
        var grain = Grain.For(device, pixels, expected.C);
        var sizes = new Sizes(input.Shape, expected, kernel, stride, padding);
        device.Launch(Kernel, grain.Threads(pixels, expected.C), input.View, sizes, grain, output.View);
    }

    /// <summary>One thread = some output pixels × some channels (see <see cref="Grain"/>).</summary>
    internal static void Kernel(Index1D index, ArrayView<float> input, Sizes sizes, Grain grain, ArrayView<float> output)
    {
        var channels = sizes.Output.C;
        var parts = (channels + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var count = IntrinsicMath.Min(grain.Channels, channels - c);
        var first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Output.N * sizes.Output.H * sizes.Output.W);
        for (var pixel = first; pixel < end; pixel++)
        {
            var x = pixel % sizes.Output.W * sizes.Stride - sizes.Padding;
            var y = pixel / sizes.Output.W % sizes.Output.H * sizes.Stride - sizes.Padding;
            var n = pixel / sizes.Output.W / sizes.Output.H;
            var x0 = IntrinsicMath.Max(x, 0);
            var y0 = IntrinsicMath.Max(y, 0);
            var columns = IntrinsicMath.Min(x + sizes.Kernel, sizes.Input.W) - x0;
            var rows = IntrinsicMath.Min(y + sizes.Kernel, sizes.Input.H) - y0;
            var from = ((n * sizes.Input.H + y0) * sizes.Input.W + x0) * channels + c;
            MaxOver(input, new Window(from, rows, columns, sizes.Input.W * channels, channels), count, pixel * channels + c, output);
        }
    }

    /// <summary>The CPU body: the channels of one pixel, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void MaxOver(ArrayView<float> input, Window window, int count, int to, ArrayView<float> output)
    {
        var c = 0;
        for (; c + Vector<float>.Count <= count; c += Vector<float>.Count)
        {
            var max = ChannelRun.Load(input, window.From + c);
            for (var i = 1; i < window.Rows * window.Columns; i++)
                max = Vector.Max(max, ChannelRun.Load(input, window.At(i) + c));
            ChannelRun.Store(max, output, to + c);
        }
        MaxOverOnDevice(input, window with { From = window.From + c }, count - c, to + c, output);
    }

    /// <summary>The GPU body: usually one channel of one pixel.</summary>
    [DeviceBody(nameof(MaxOver))]
    public static void MaxOverOnDevice(ArrayView<float> input, Window window, int count, int to, ArrayView<float> output)
    {
        for (var c = 0; c < count; c++)
        {
            var max = input[window.From + c];
            for (var i = 1; i < window.Rows * window.Columns; i++)
            {
                var value = input[window.At(i) + c];
                max = value > max ? value : max;
            }
            output[to + c] = max;
        }
    }

    internal readonly record struct Sizes(Shape Input, Shape Output, int Kernel, int Stride, int Padding);

    /// <summary>The part of a window that is inside the map: its first value, its size, and the steps to the next row and pixel.</summary>
    internal readonly record struct Window(int From, int Rows, int Columns, int RowStep, int PixelStep)
    {
        public int At(int i) => From + i / Columns * RowStep + i % Columns * PixelStep;
    }
}
