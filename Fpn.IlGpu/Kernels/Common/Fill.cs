using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary><c>out[i] = value</c>: gradients begin as zeros, to which every operator that read the value adds its part.</summary>
internal static class Fill
{
    /// <summary>Runs it.</summary>
    /// <param name="device">Where the array is.</param>
    /// <param name="value">What to write.</param>
    /// <param name="output">Any number of values.</param>
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

    /// <summary>On a CPU: a run, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Write(float value, int from, int count, ArrayView<float> output) => ChannelRun.Span(output, from, count).Fill(value);

    /// <summary>On a GPU: as a rule, one element.</summary>
    [DeviceBody(nameof(Write))]
    public static void WriteOnDevice(float value, int from, int count, ArrayView<float> output)
    {
        for (var i = 0; i < count; i++)
            output[from + i] = value;
    }
}
