using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// One step of the top-down pathway (paper, section 3):
/// <code>out[n, y, x, c] = lateral[n, y, x, c] + top[n, ⌊y·Ht/H⌋, ⌊x·Wt/W⌋, c]</code>
/// This is nearest-neighbour upsampling to the lateral's exact size, as in torchvision (the paper's ×2 where Ht/H = ½), and the
/// element-wise sum; each is also available on its own. In the pyramid, the lateral convolution does both in its epilogue
/// (<see cref="Residual.Upsampled"/>), which saves writing and reading the lateral.
/// </summary>
internal static class UpsampleMerge
{
    /// <summary>out = lateral + upsampled top.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="lateral">[N, H, W, C].</param>
    /// <param name="top">[N, Ht, Wt, C], the coarser level.</param>
    /// <param name="output">[N, H, W, C]; may be the lateral itself.</param>
    public static void Run(Device device, Tensor lateral, Tensor top, Tensor output)
        => Launch(device, lateral, top, output, addLateral: true);

    /// <summary>out = upsampled input, to the output's size.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[N, Ht, Wt, C], the coarser map.</param>
    /// <param name="output">[N, H, W, C].</param>
    public static void Upsample(Device device, Tensor input, Tensor output) => Launch(device, output, input, output, addLateral: false);

    /// <summary>out = a + b, element by element.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="a">[N, H, W, C].</param>
    /// <param name="b">[N, H, W, C].</param>
    /// <param name="output">[N, H, W, C].</param>
    public static void Merge(Device device, Tensor a, Tensor b, Tensor output)
    {
        if (a.Shape != b.Shape)
            throw new ArgumentException($"Maps of {a.Shape} and {b.Shape} can't be added.", nameof(b));
        Launch(device, a, b, output, addLateral: true);
    }

    /// <summary>One thread = some output pixels × some channels (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> lateral, ArrayView<float> top, Sizes sizes, Grain grain, ArrayView<float> output)
    {
        var channels = sizes.Output.C;
        var parts = (channels + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var count = IntrinsicMath.Min(grain.Channels, channels - c);
        var first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Output.N * sizes.Output.H * sizes.Output.W);
        for (var pixel = first; pixel < end; pixel++)
        {
            var x = pixel % sizes.Output.W;
            var y = pixel / sizes.Output.W % sizes.Output.H;
            var n = pixel / sizes.Output.W / sizes.Output.H;
            var from = sizes.Upsampling.PixelAt(n, y, x) * channels + c;
            Add(lateral, top, from, sizes.AddLateral, count, pixel * channels + c, output);
        }
    }

    /// <summary>The CPU body: the channels of one pixel, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Add(
        ArrayView<float> lateral, ArrayView<float> top, int from, int addLateral, int count, int to, ArrayView<float> output)
    {
        var c = 0;
        for (; c + Vector<float>.Count <= count; c += Vector<float>.Count)
        {
            var value = ChannelRun.Load(top, from + c);
            if (addLateral != 0)
                value += ChannelRun.Load(lateral, to + c);
            ChannelRun.Store(value, output, to + c);
        }
        AddOnDevice(lateral, top, from + c, addLateral, count - c, to + c, output);
    }

    /// <summary>The GPU body: usually one channel of one pixel.</summary>
    [DeviceBody(nameof(Add))]
    public static void AddOnDevice(
        ArrayView<float> lateral, ArrayView<float> top, int from, int addLateral, int count, int to, ArrayView<float> output)
    {
        for (var c = 0; c < count; c++)
        {
            var value = top[from + c];
            if (addLateral != 0)
                value += lateral[to + c];
            output[to + c] = value;
        }
    }

    private static void Launch(Device device, Tensor lateral, Tensor top, Tensor output, bool addLateral)
    {
        var shape = output.Shape;
        if (lateral.Shape != shape || top.Shape.N != shape.N || top.Shape.C != shape.C)
            throw new ArgumentException($"Maps of {lateral.Shape} and {top.Shape} can't be merged into one of {shape}.", nameof(top));
        var pixels = shape.Pixels;
        var grain = Grain.For(device, pixels, shape.C);
        var sizes = new Sizes(shape, NearestUpsampling.Between(top.Shape, shape), addLateral ? 1 : 0);
        device.Launch(Kernel, grain.Threads(pixels, shape.C), lateral.View, top.View, sizes, grain, output.View);
    }

    internal readonly record struct Sizes(Shape Output, NearestUpsampling Upsampling, int AddLateral);
}
