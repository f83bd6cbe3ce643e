using System.Numerics;
using System.Runtime.CompilerServices;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Gradients of activations. Some are computed from the output y, so that the input x need not be kept; the others need x, because
/// several inputs have the same output (hard-swish, SiLU) or because the ends of the slope can't be told from it (hard sigmoid).
/// <code>
/// none           dx = dy
/// ReLU           dx = dy where y &gt; 0, otherwise 0                                  (0 at 0)
/// sigmoid        dx = dy · y · (1 − y)
/// hard sigmoid   dx = dy / 6 where −3 &lt; x &lt; 3, otherwise 0
/// hard-swish     dx = 0 where x &lt; −3;  dy · (x / 3 + ½) where −3 ≤ x &lt; 3;  dy where 3 ≤ x
/// SiLU           dx = dy · s · (1 + x · (1 − s)),   s = sigmoid(x)
/// </code>
/// The values at the kinks are those of PyTorch 1.13. For hard-swish at 3 its vectors give dy, and its scalars 1.5 · dy.
/// </summary>
internal static class ActivationBackward
{
    /// <summary>Whether the gradient needs the activation's input x; otherwise it needs the output y.</summary>
    public static bool NeedsInput(Activation activation)
        => activation is Activation.HardSigmoid or Activation.HardSwish or Activation.Silu;

    /// <summary>Computes the gradient of an activation.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="outputGradient">dy, [N, H, W, C].</param>
    /// <param name="kept">x or y (see <see cref="NeedsInput"/>), [N, H, W, C].</param>
    /// <param name="inputGradient">dx, [N, H, W, C]; may be dy itself.</param>
    public static void Run(Device device, Activation activation, Tensor outputGradient, Tensor kept, Tensor inputGradient)
    {
        if (outputGradient.Shape != kept.Shape || inputGradient.Shape != kept.Shape)
        {
            throw new ArgumentException(
                $"Gradients of {outputGradient.Shape} and {inputGradient.Shape} don't fit a map of {kept.Shape}.", nameof(outputGradient));
        }
        var length = (int)kept.Shape.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(
            Kernel, grain.Threads(length, 1), outputGradient.View, kept.View, activation, length, grain, inputGradient.View);
    }

    /// <summary>Computes the gradient of ReLU from its output.</summary>
    public static void Relu(Device device, Tensor outputGradient, Tensor output, Tensor inputGradient)
        => Run(device, Activation.Relu, outputGradient, output, inputGradient);

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> outputGradient, ArrayView<float> kept, Activation activation, int length, Grain grain,
        ArrayView<float> inputGradient)
    {
        var from = index * grain.Pixels;
        Differentiate(outputGradient, kept, activation, from, IntrinsicMath.Min(grain.Pixels, length - from), inputGradient);
    }

    /// <summary>The CPU body: a run of elements, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Differentiate(
        ArrayView<float> outputGradient, ArrayView<float> kept, Activation activation, int from, int count,
        ArrayView<float> inputGradient)
    {
        var dy = ChannelRun.Vectors(ChannelRun.Span(outputGradient, from, count));
        var values = ChannelRun.Vectors(ChannelRun.Span(kept, from, count));
        var dx = ChannelRun.Vectors(ChannelRun.Span(inputGradient, from, count));
        for (var i = 0; i < dx.Length; i++)
            dx[i] = Lanes(dy[i], values[i], activation);
        var done = dx.Length * Vector<float>.Count;
        DifferentiateOnDevice(outputGradient, kept, activation, from + done, count - done, inputGradient);
    }

    /// <summary>The GPU body: usually one element.</summary>
    [DeviceBody(nameof(Differentiate))]
    public static void DifferentiateOnDevice(
        ArrayView<float> outputGradient, ArrayView<float> kept, Activation activation, int from, int count,
        ArrayView<float> inputGradient)
    {
        for (var i = from; i < from + count; i++)
            inputGradient[i] = Value(outputGradient[i], kept[i], activation);
    }

    private static float Value(float dy, float kept, Activation activation)
    {
        if (activation == Activation.None)
            return dy;
        if (activation == Activation.Relu)
            return kept > 0 ? dy : 0;
        if (activation == Activation.Sigmoid)
            return dy * kept * (1 - kept);
        if (activation == Activation.HardSigmoid)
            return kept > -3 && kept < 3 ? dy / 6 : 0;
        if (activation == Activation.HardSwish)
            return kept < -3 ? 0 : kept < 3 ? dy * (kept / 3 + 0.5f) : dy;
        var sigmoid = Sigmoid.Of(kept);
        return dy * sigmoid * (1 + kept * (1 - sigmoid));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Lanes(Vector<float> dy, Vector<float> kept, Activation activation)
    {
        if (activation == Activation.None)
            return dy;
        if (activation == Activation.Relu)
            return Vector.ConditionalSelect(Vector.GreaterThan(kept, Vector<float>.Zero), dy, Vector<float>.Zero);
        if (activation == Activation.Sigmoid)
            return dy * kept * (Vector<float>.One - kept);
        var three = new Vector<float>(3);
        if (activation == Activation.HardSigmoid)
            return Vector.ConditionalSelect(Vector.LessThan(Vector.Abs(kept), three), dy / 6, Vector<float>.Zero);
        if (activation == Activation.HardSwish)
        {
            var slope = Vector.ConditionalSelect(Vector.LessThan(kept, three), dy * (kept / 3 + new Vector<float>(0.5f)), dy);
            return Vector.ConditionalSelect(Vector.LessThan(kept, -three), Vector<float>.Zero, slope);
        }
        var sigmoid = Sigmoid.Lanes(kept);
        return dy * sigmoid * (Vector<float>.One + kept * (Vector<float>.One - sigmoid));
    }
}
