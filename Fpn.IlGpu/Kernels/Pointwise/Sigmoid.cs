using System.Numerics;
using System.Runtime.CompilerServices;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <c>out = 1 / (1 + exp(−in))</c>, element by element: turns logits into probabilities. Where exp overflows, the result is 0.
/// </summary>
internal static class Sigmoid
{
    /// <summary>Computes the sigmoid of a tensor.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="output">[N, H, W, C]; may be the input itself.</param>
    public static void Run(Device device, Tensor input, Tensor output)
    {
        if (input.Shape != output.Shape)
            throw new ArgumentException($"The output must be {input.Shape}, not {output.Shape}.", nameof(output));
        var length = (int)input.Shape.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(Kernel, grain.Threads(length, 1), input.View, length, grain, output.View);
    }

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void Kernel(Index1D index, ArrayView<float> input, int length, Grain grain, ArrayView<float> output)
    {
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, length);
        for (var i = index * grain.Pixels; i < end; i++)
            output[i] = Of(input[i]);
    }

    /// <summary>Returns the sigmoid of one value.</summary>
    internal static float Of(float x) => 1 / (1 + XMath.Exp(-x));

    /// <summary>
    /// Returns the sigmoid of a vector of the processor's width, for the CPU bodies of intrinsics. It is a call, so that a loop over
    /// another activation stays short.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static Vector<float> Lanes(Vector<float> x) => Vector<float>.One / (Vector<float>.One + Vector.Exp(-x));
}
