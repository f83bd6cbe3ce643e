using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <c>out[m, k] = exp(in[m, k] − max) / Σ j exp(in[m, j] − max)</c>, each row m on its own. Subtracting the row's largest value does not
/// change the result, and keeps exp from overflowing.
/// </summary>
internal static class Softmax
{
    /// <summary>Computes the softmax over the last dimension.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="output">[N, H, W, C]; may be the input itself.</param>
    public static void Run(Device device, Tensor input, Tensor output)
    {
        if (input.Shape != output.Shape)
            throw new ArgumentException($"The output must be {input.Shape}, not {output.Shape}.", nameof(output));
        device.Launch(Kernel, input.Shape.Pixels, input.View, input.Shape.C, output.View);
    }

    /// <summary>One thread = one row m.</summary>
    internal static void Kernel(Index1D index, ArrayView<float> input, int channels, ArrayView<float> output)
    {
        var first = index * channels;
        var max = input[first];
        for (var k = 1; k < channels; k++)
            max = XMath.Max(max, input[first + k]);
        var sum = 0f;
        for (var k = 0; k < channels; k++)
        {
            var e = XMath.Exp(input[first + k] - max);
            output[first + k] = e;
            sum += e;
        }
        for (var k = 0; k < channels; k++)
            output[first + k] /= sum;
    }
}
