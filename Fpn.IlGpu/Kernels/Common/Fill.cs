using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary><c>out[i] = value</c>: gradients start at zero, and every operator that read a value adds its part to them.</summary>
internal static class Fill
{
    /// <summary>Fills an array.</summary>
    /// <param name="device">The device that holds the array.</param>
    /// <param name="value">The value to write.</param>
    /// <param name="output">[length].</param>
    public static void Run(Device device, float value, ArrayView<float> output)
    {
        var length = (int)output.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(Kernel, grain.Threads(length, 1), value, length, grain, output);
    }

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void Kernel(Index1D index, float value, int length, Grain grain, ArrayView<float> output)
    {
        var from = index * grain.Pixels;
        Write(value, from, IntrinsicMath.Min(grain.Pixels, length - from), output);
    }

    /// <summary>The CPU body: a run of elements, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Write(float value, int from, int count, ArrayView<float> output) => ChannelRun.Span(output, from, count).Fill(value);

    /// <summary>The GPU body: usually one element.</summary>
    [DeviceBody(nameof(Write))]
    public static void WriteOnDevice(float value, int from, int count, ArrayView<float> output)
    {
        for (var i = 0; i < count; i++)
            output[from + i] = value;
    }
}
