using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Gradients of activations. Those of ReLU and sigmoid are computed from the output y, so that the input need not be kept; the others
/// need the input x (<see cref="KeepsInput"/>):
/// <code>
/// ReLU          dx = dy where y &gt; 0, otherwise 0          (0 at 0, as in PyTorch)
/// sigmoid       dx = dy · y · (1 − y)
/// hard sigmoid  dx = dy / 6 where −3 &lt; x &lt; 3, otherwise 0
/// hard swish    dx = 0 where x &lt; −3, dy · (x / 3 + 1/2) where x ≤ 3, otherwise dy
/// SiLU          dx = dy · s · (1 + x · (1 − s))           with s = sigmoid(x)
/// </code>
/// </summary>
internal static class ActivationBackward
{
    /// <summary>Whether the gradient of an activation is computed from its input rather than its output.</summary>
    public static bool KeepsInput(Activation activation)
        => activation is Activation.HardSigmoid or Activation.HardSwish or Activation.Silu;

    /// <summary>Computes the gradient of an activation.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="outputGradient">dy, [N, H, W, C].</param>
    /// <param name="kept">x or y, [N, H, W, C]: see <see cref="KeepsInput"/>.</param>
    /// <param name="inputGradient">dx, [N, H, W, C]; may be dy itself.</param>
    public static void Run(Device device, Activation activation, Tensor outputGradient, Tensor kept, Tensor inputGradient)
    {
        switch (activation)
        {
            case Activation.Relu:
                Relu(device, outputGradient, kept, inputGradient);
                break;
            case Activation.Sigmoid:
                Sigmoid(device, outputGradient, kept, inputGradient);
                break;
            case Activation.HardSigmoid:
                Launch(device, HardSigmoidKernel, outputGradient, kept, inputGradient);
                break;
            case Activation.HardSwish:
                Launch(device, HardSwishKernel, outputGradient, kept, inputGradient);
                break;
            case Activation.Silu:
                Launch(device, SiluKernel, outputGradient, kept, inputGradient);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(activation), activation, "There is no activation to go back through.");
        }
    }

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

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void HardSigmoidKernel(
        Index1D index, ArrayView<float> outputGradient, ArrayView<float> input, int length, Grain grain, ArrayView<float> inputGradient)
    {
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, length);
        for (var i = index * grain.Pixels; i < end; i++)
            inputGradient[i] = input[i] > -3 && input[i] < 3 ? outputGradient[i] / 6 : 0;
    }

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void HardSwishKernel(
        Index1D index, ArrayView<float> outputGradient, ArrayView<float> input, int length, Grain grain, ArrayView<float> inputGradient)
    {
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, length);
        for (var i = index * grain.Pixels; i < end; i++)
        {
            var x = input[i];
            inputGradient[i] = x < -3 ? 0 : x <= 3 ? outputGradient[i] * (x / 3 + 0.5f) : outputGradient[i];
        }
    }

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void SiluKernel(
        Index1D index, ArrayView<float> outputGradient, ArrayView<float> input, int length, Grain grain, ArrayView<float> inputGradient)
    {
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, length);
        for (var i = index * grain.Pixels; i < end; i++)
        {
            var s = Kernels.Sigmoid.Of(input[i]);
            inputGradient[i] = outputGradient[i] * s * (1 + input[i] * (1 - s));
        }
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
