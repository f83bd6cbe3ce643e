using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <c>sum[i] += addend[i]</c>: where several operators read a value, its gradient is the sum of the gradients that they return.
/// </summary>
internal static class Accumulate
{
    /// <summary>Adds one array to another.</summary>
    /// <param name="device">The device that holds both arrays.</param>
    /// <param name="addend">[length].</param>
    /// <param name="sum">[length].</param>
    public static void Run(Device device, ArrayView<float> addend, ArrayView<float> sum)
    {
        if (addend.Length != sum.Length)
            throw new ArgumentException($"{addend.Length} values can't be added to {sum.Length}.", nameof(addend));
        var length = (int)sum.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(Kernel, grain.Threads(length, 1), addend, length, grain, sum);
    }

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void Kernel(Index1D index, ArrayView<float> addend, int length, Grain grain, ArrayView<float> sum)
    {
        var from = index * grain.Pixels;
        Add(addend, from, IntrinsicMath.Min(grain.Pixels, length - from), sum);
    }

    /// <summary>The CPU body: a run of elements, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Add(ArrayView<float> addend, int from, int count, ArrayView<float> sum)
    {
        var sums = ChannelRun.Vectors(ChannelRun.Span(sum, from, count));
        var addends = ChannelRun.Vectors(ChannelRun.Span(addend, from, count));
        for (var i = 0; i < sums.Length; i++)
            sums[i] += addends[i];
        var done = sums.Length * System.Numerics.Vector<float>.Count;
        AddOnDevice(addend, from + done, count - done, sum);
    }

    /// <summary>The GPU body: usually one element.</summary>
    [DeviceBody(nameof(Add))]
    public static void AddOnDevice(ArrayView<float> addend, int from, int count, ArrayView<float> sum)
    {
        for (var i = from; i < from + count; i++)
            sum[i] += addend[i];
    }
}
