using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of a mean (see <see cref="GlobalAveragePool"/>), which is the same for every pixel that the mean was taken over:
/// <code>din[n, y, x, c] += dout[n, 0, 0, c] / (H · W)</code>
/// </summary>
internal static class GlobalAveragePoolBackward
{
    /// <summary>Adds the gradient to that of the input.</summary>
    /// <param name="device">The device that holds both tensors.</param>
    /// <param name="outputGradient">dout, [N, 1, 1, C].</param>
    /// <param name="inputGradient">din, [N, H, W, C], to which the gradient is added.</param>
    public static void Run(Device device, Tensor outputGradient, Tensor inputGradient)
    {
        var shape = inputGradient.Shape;
        if (outputGradient.Shape != new Shape(shape.N, 1, 1, shape.C))
            throw new ArgumentException($"Means of {outputGradient.Shape} don't fit a map of {shape}.", nameof(outputGradient));
        var grain = Grain.For(device, shape.Pixels, shape.C);
        device.Launch(
            Kernel, grain.Threads(shape.Pixels, shape.C), outputGradient.View, new Sizes(shape.Pixels, shape.H * shape.W, shape.C), grain,
            inputGradient.View);
    }

    /// <summary>One thread = some input pixels × some channels (see <see cref="Grain"/>).</summary>
    internal static void Kernel(Index1D index, ArrayView<float> outputGradient, Sizes sizes, Grain grain, ArrayView<float> inputGradient)
    {
        var parts = (sizes.Channels + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var count = IntrinsicMath.Min(grain.Channels, sizes.Channels - c);
        int first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Pixels);
        var share = 1f / sizes.PixelsPerPicture;
        for (var pixel = first; pixel < end; pixel++)
        {
            var from = pixel / sizes.PixelsPerPicture * sizes.Channels + c;
            AddShare(outputGradient, from, share, count, pixel * sizes.Channels + c, inputGradient);
        }
    }

    /// <summary>The CPU body: the channels of one pixel, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void AddShare(ArrayView<float> from, int at, float share, int count, int to, ArrayView<float> sums)
    {
        var c = 0;
        for (; c + Vector<float>.Count <= count; c += Vector<float>.Count)
            ChannelRun.Store(ChannelRun.Load(sums, to + c) + ChannelRun.Load(from, at + c) * share, sums, to + c);
        AddShareOnDevice(from, at + c, share, count - c, to + c, sums);
    }

    /// <summary>The GPU body: usually one channel of one pixel.</summary>
    [DeviceBody(nameof(AddShare))]
    public static void AddShareOnDevice(ArrayView<float> from, int at, float share, int count, int to, ArrayView<float> sums)
    {
        for (var c = 0; c < count; c++)
            sums[to + c] += from[at + c] * share;
    }

    internal readonly record struct Sizes(int Pixels, int PixelsPerPicture, int Channels);
}
