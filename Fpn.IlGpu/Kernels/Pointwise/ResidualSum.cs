using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <c>out[i] = f(a[i] + b[i])</c>: the end of a residual block (He et al., Deep Residual Learning, equation 1) where a batch norm in
/// training comes between the convolution and the sum. Otherwise the sum is in the convolution's epilogue
/// (<see cref="Residual.SameSize"/>).
/// </summary>
internal static class ResidualSum
{
    /// <summary>Computes the sum.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="a">[N, H, W, C].</param>
    /// <param name="b">[N, H, W, C].</param>
    /// <param name="activation">f.</param>
    /// <param name="output">[N, H, W, C].</param>
    public static void Run(Device device, Tensor a, Tensor b, Activation activation, Tensor output)
    {
        if (a.Shape != b.Shape || output.Shape != a.Shape)
            throw new ArgumentException($"Maps of {a.Shape} and {b.Shape} can't be added into one of {output.Shape}.", nameof(b));
        var length = (int)output.Shape.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(Kernel, grain.Threads(length, 1), a.View, b.View, activation, length, grain, output.View);
    }

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> a, ArrayView<float> b, Activation activation, int length, Grain grain, ArrayView<float> output)
    {
        var from = index * grain.Pixels;
        Add(a, b, activation, from, IntrinsicMath.Min(grain.Pixels, length - from), output);
    }

    /// <summary>The CPU body: a run of elements, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Add(ArrayView<float> a, ArrayView<float> b, Activation activation, int from, int count, ArrayView<float> output)
    {
        var left = ChannelRun.Vectors(ChannelRun.Span(a, from, count));
        var right = ChannelRun.Vectors(ChannelRun.Span(b, from, count));
        var to = ChannelRun.Vectors(ChannelRun.Span(output, from, count));
        for (var i = 0; i < to.Length; i++)
            to[i] = Activate.Lanes(left[i] + right[i], activation);
        var done = to.Length * Vector<float>.Count;
        AddOnDevice(a, b, activation, from + done, count - done, output);
    }

    /// <summary>The GPU body: usually one element.</summary>
    [DeviceBody(nameof(Add))]
    public static void AddOnDevice(
        ArrayView<float> a, ArrayView<float> b, Activation activation, int from, int count, ArrayView<float> output)
    {
        for (var i = from; i < from + count; i++)
            output[i] = Activate.Value(a[i] + b[i], activation);
    }
}
