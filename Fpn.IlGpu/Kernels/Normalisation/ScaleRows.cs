using System.Numerics;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <c>out[k, i] (+)= scale[k] · in[k, i]</c>: folds the factors of a frozen batch norm into the weights of the convolution before it,
/// [K, C, kh, kw], and turns the gradient of the folded weights into that of the weights.
/// </summary>
internal static class ScaleRows
{
    /// <summary>Scales the rows.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="input">[K, …].</param>
    /// <param name="scale">[K].</param>
    /// <param name="accumulate">Whether to add to the output instead of overwriting it.</param>
    /// <param name="output">[K, …]; may be the input itself.</param>
    public static void Run(Device device, ArrayView<float> input, ArrayView<float> scale, bool accumulate, ArrayView<float> output)
    {
        if (input.Length != output.Length || scale.Length == 0 || input.Length % scale.Length != 0)
            throw new ArgumentException($"{scale.Length} factors don't fit {input.Length} values.", nameof(scale));
        var row = (int)(input.Length / scale.Length);
        var run = device.Info.Kind == DeviceKind.Cpu ? row : 1;
        device.Launch(Kernel, (int)(input.Length / run), input, scale, row, run, accumulate ? 1 : 0, output);
    }

    /// <summary>One thread = some consecutive values of a row: the whole row on a CPU, one value on a GPU.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> input, ArrayView<float> scale, int row, int run, int accumulate, ArrayView<float> output)
        => Scale(input, scale[index * run / row], index * run, run, accumulate, output);

    /// <summary>The CPU body: a row, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Scale(ArrayView<float> input, float scale, int from, int count, int accumulate, ArrayView<float> output)
    {
        var values = ChannelRun.Vectors(ChannelRun.Span(input, from, count));
        var to = ChannelRun.Vectors(ChannelRun.Span(output, from, count));
        for (var i = 0; i < to.Length; i++)
            to[i] = accumulate != 0 ? to[i] + values[i] * scale : values[i] * scale;
        var done = to.Length * Vector<float>.Count;
        ScaleOnDevice(input, scale, from + done, count - done, accumulate, output);
    }

    /// <summary>The GPU body: one value.</summary>
    [DeviceBody(nameof(Scale))]
    public static void ScaleOnDevice(ArrayView<float> input, float scale, int from, int count, int accumulate, ArrayView<float> output)
    {
        for (var i = from; i < from + count; i++)
            output[i] = accumulate != 0 ? output[i] + input[i] * scale : input[i] * scale;
    }
}
