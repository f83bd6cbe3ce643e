using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Multiplies every channel of a picture by its own factor: <c>out[n, y, x, c] = in[n, y, x, c] · gates[n, c]</c>
/// </summary>
internal static class ScaleChannels
{
    /// <summary>Scales the channels.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="gates">[N, 1, 1, C].</param>
    /// <param name="output">[N, H, W, C]; must not be the input.</param>
    public static void Run(Device device, Tensor input, Tensor gates, Tensor output)
    {
        var shape = input.Shape;
        if (output.Shape != shape || gates.Shape != new Shape(shape.N, 1, 1, shape.C))
        {
            throw new ArgumentException(
                $"{gates.Shape} factors and an output of {output.Shape} don't fit an input of {shape}.", nameof(gates));
        }
        var grain = Grain.For(device, shape.Pixels, shape.C);
        device.Launch(Kernel, grain.Threads(shape.Pixels, shape.C), input.View, gates.View, shape, grain, output.View);
    }

    /// <summary>One thread = some pixels (n, y, x) × some channels c (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> input, ArrayView<float> gates, Shape shape, Grain grain, ArrayView<float> output)
    {
        var parts = (shape.C + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var count = IntrinsicMath.Min(grain.Channels, shape.C - c);
        var first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, shape.N * shape.H * shape.W);
        for (var pixel = first; pixel < end; pixel++)
            Multiply(input, gates, pixel / (shape.H * shape.W) * shape.C + c, count, pixel * shape.C + c, output);
    }

    /// <summary>The CPU body: the channels of one pixel, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Multiply(ArrayView<float> input, ArrayView<float> gates, int gate, int count, int at, ArrayView<float> output)
    {
        var c = 0;
        for (; c + Vector<float>.Count <= count; c += Vector<float>.Count)
            ChannelRun.Store(ChannelRun.Load(input, at + c) * ChannelRun.Load(gates, gate + c), output, at + c);
        MultiplyOnDevice(input, gates, gate + c, count - c, at + c, output);
    }

    /// <summary>The GPU body: usually one channel of one pixel.</summary>
    [DeviceBody(nameof(Multiply))]
    public static void MultiplyOnDevice(
        ArrayView<float> input, ArrayView<float> gates, int gate, int count, int at, ArrayView<float> output)
    {
        for (var c = 0; c < count; c++)
            output[at + c] = input[at + c] * gates[gate + c];
    }
}
