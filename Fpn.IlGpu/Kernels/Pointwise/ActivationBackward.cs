using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Gradients of activations, computed from their outputs y, so that their inputs need not be kept:
/// <code>
/// ReLU      dx = dy where y &gt; 0, otherwise 0          (0 at 0, as in PyTorch)
/// sigmoid   dx = dy · y · (1 − y)
/// </code>
/// </summary>
internal static class ActivationBackward
{
    /// <summary>Computes the gradient of ReLU.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="outputGradient">dy, [N, H, W, C].</param>
    /// <param name="output">y, [N, H, W, C].</param>
    /// <param name="inputGradient">dx, [N, H, W, C]; may be dy itself.</param>
    public static void Relu(Device device, Tensor outputGradient, Tensor output, Tensor inputGradient)
        => Launch(device, ReluKernel, outputGradient, output, inputGradient);

    /// <summary>Computes the gradient of the sigmoid.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="outputGradient">dy, [N, H, W, C].</param>
    /// <param name="output">y, [N, H, W, C].</param>
    /// <param name="inputGradient">dx, [N, H, W, C]; may be dy itself.</param>
    public static void Sigmoid(Device device, Tensor outputGradient, Tensor output, Tensor inputGradient)
        => Launch(device, SigmoidKernel, outputGradient, output, inputGradient);

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void ReluKernel(
        Index1D index, ArrayView<float> outputGradient, ArrayView<float> output, int length, Grain grain, ArrayView<float> inputGradient)
    {
        var from = index * grain.Pixels;
        Mask(outputGradient, output, from, IntrinsicMath.Min(grain.Pixels, length - from), inputGradient);
    }

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void SigmoidKernel(
        Index1D index, ArrayView<float> outputGradient, ArrayView<float> output, int length, Grain grain, ArrayView<float> inputGradient)
    {
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, length);
        for (var i = index * grain.Pixels; i < end; i++)
            inputGradient[i] = outputGradient[i] * output[i] * (1 - output[i]);
    }

    /// <summary>The CPU body: a run of elements, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Mask(
        ArrayView<float> outputGradient, ArrayView<float> output, int from, int count, ArrayView<float> inputGradient)
    {
        var dy = ChannelRun.Vectors(ChannelRun.Span(outputGradient, from, count));
        var y = ChannelRun.Vectors(ChannelRun.Span(output, from, count));
        var dx = ChannelRun.Vectors(ChannelRun.Span(inputGradient, from, count));
        for (var i = 0; i < dx.Length; i++)
            dx[i] = Vector.ConditionalSelect(Vector.GreaterThan(y[i], Vector<float>.Zero), dy[i], Vector<float>.Zero);
        var done = dx.Length * Vector<float>.Count;
        MaskOnDevice(outputGradient, output, from + done, count - done, inputGradient);
    }

    /// <summary>The GPU body: usually one element.</summary>
    [DeviceBody(nameof(Mask))]
    public static void MaskOnDevice(
        ArrayView<float> outputGradient, ArrayView<float> output, int from, int count, ArrayView<float> inputGradient)
    {
        for (var i = from; i < from + count; i++)
            inputGradient[i] = output[i] > 0 ? outputGradient[i] : 0;
    }

    private static void Launch(
        Device device, Action<Index1D, ArrayView<float>, ArrayView<float>, int, Grain, ArrayView<float>> kernel,
        Tensor outputGradient, Tensor output, Tensor inputGradient)
    {
        if (outputGradient.Shape != output.Shape || inputGradient.Shape != output.Shape)
        {
            throw new ArgumentException(
                $"Gradients of {outputGradient.Shape} and {inputGradient.Shape} don't fit an output of {output.Shape}.",
                nameof(outputGradient));
        }
        var length = (int)output.Shape.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(kernel, grain.Threads(length, 1), outputGradient.View, output.View, length, grain, inputGradient.View);
    }
}
