using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>The activation that ends a layer, usually in the epilogue of its convolution.</summary>
public enum Activation
{
    /// <summary>x.</summary>
    None,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>min(max(x + 3, 0), 6) / 6: a piecewise linear sigmoid (Searching for MobileNetV3, section 5.2).</summary>
    HardSigmoid,

    /// <summary>x · hardsigmoid(x), from the same section.</summary>
    HardSwish,

    /// <summary>x · sigmoid(x), also called swish (Ramachandran et al., Searching for Activation Functions).</summary>
    Silu,

    /// <summary>1 / (1 + exp(−x)).</summary>
    Sigmoid,
}

/// <summary>Activations of a value, for kernels; of a vector, for the CPU bodies of intrinsics; and of a tensor.</summary>
internal static class Activate
{
    /// <summary>Applies an activation to a tensor that no convolution has just computed.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="activation">The activation.</param>
    /// <param name="output">[N, H, W, C]; must not be the input.</param>
    public static void Run(Device device, Tensor input, Activation activation, Tensor output)
    {
        if (input.Shape != output.Shape)
            throw new ArgumentException($"The output must be {input.Shape}, not {output.Shape}.", nameof(output));
        var length = (int)input.Shape.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(ActivateKernel, grain.Threads(length, 1), input.View, activation, length, grain, output.View);
    }

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void ActivateKernel(
        Index1D index, ArrayView<float> input, Activation activation, int length, Grain grain, ArrayView<float> output)
    {
        var from = index * grain.Pixels;
        Apply(input, activation, from, IntrinsicMath.Min(grain.Pixels, length - from), output);
    }

    /// <summary>The CPU body: a run of elements, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Apply(ArrayView<float> input, Activation activation, int from, int count, ArrayView<float> output)
    {
        Run(ChannelRun.Span(input, from, count), activation, ChannelRun.Span(output, from, count));
    }

    /// <summary>The GPU body: usually one element.</summary>
    [DeviceBody(nameof(Apply))]
    public static void ApplyOnDevice(ArrayView<float> input, Activation activation, int from, int count, ArrayView<float> output)
    {
        for (var i = from; i < from + count; i++)
            output[i] = Value(input[i], activation);
    }

    /// <summary>Whether the activation contains an exponential, which costs far more than the others.</summary>
    public static bool HasExponential(Activation activation) => activation >= Activation.Silu;

    /// <summary>Applies an activation to a run of values, by SIMD; the output may be the input.</summary>
    public static void Run(Span<float> input, Activation activation, Span<float> output)
    {
        var from = ChannelRun.Vectors(input);
        var to = ChannelRun.Vectors(output);
        for (var i = 0; i < to.Length; i++)
            to[i] = Lanes(from[i], activation);
        for (var i = to.Length * Vector<float>.Count; i < output.Length; i++)
            output[i] = Value(input[i], activation);
    }

    /// <summary>Returns the activation of one value.</summary>
    public static float Value(float x, Activation activation)
    {
        if (activation == Activation.None)
            return x;
        if (activation == Activation.Relu)
            return x < 0 ? 0 : x;
        if (HasExponential(activation))
            return activation == Activation.Silu ? x * Sigmoid.Of(x) : Sigmoid.Of(x);
        var gate = IntrinsicMath.Min(IntrinsicMath.Max(x + 3, 0), 6) / 6;
        return activation == Activation.HardSwish ? x * gate : gate;
    }

    /// <summary>Returns the activation of four values.</summary>
    public static Float4 Four(Float4 x, Activation activation)
    {
        if (activation == Activation.None)
            return x;
        return new Float4(Value(x.X, activation), Value(x.Y, activation), Value(x.Z, activation), Value(x.W, activation));
    }

    /// <summary>Returns the activation of a vector of the processor's width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Lanes(Vector<float> x, Activation activation)
    {
        if (activation == Activation.None)
            return x;
        if (activation == Activation.Relu)
            return Vector.Max(x, Vector<float>.Zero);
        if (HasExponential(activation))
            return activation == Activation.Silu ? x * Sigmoid.Lanes(x) : Sigmoid.Lanes(x);
        var gate = Vector.Min(Vector.Max(x + new Vector<float>(3), Vector<float>.Zero), new Vector<float>(6)) / 6;
        return activation == Activation.HardSwish ? x * gate : gate;
    }

    /// <summary>Returns the activation of eight values; it must have no exponential.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> EightLanes(Vector256<float> x, Activation activation)
    {
        if (activation == Activation.None)
            return x;
        if (activation == Activation.Relu)
            return Vector256.Max(x, Vector256<float>.Zero);
        var gate = Vector256.Min(Vector256.Max(x + Vector256.Create(3f), Vector256<float>.Zero), Vector256.Create(6f)) / 6;
        return activation == Activation.HardSwish ? x * gate : gate;
    }

    /// <summary>Returns the activation of 16 values; it must have no exponential.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SixteenLanes(Vector512<float> x, Activation activation)
    {
        if (activation == Activation.None)
            return x;
        if (activation == Activation.Relu)
            return Vector512.Max(x, Vector512<float>.Zero);
        var gate = Vector512.Min(Vector512.Max(x + Vector512.Create(3f), Vector512<float>.Zero), Vector512.Create(6f)) / 6;
        return activation == Activation.HardSwish ? x * gate : gate;
    }
}
