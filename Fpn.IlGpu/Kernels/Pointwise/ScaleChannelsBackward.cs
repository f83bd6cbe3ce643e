using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradients of <see cref="ScaleChannels"/>, y = x · g with one factor g for each channel of each picture:
/// <code>
/// dx[n, y, x, c] = dy[n, y, x, c] · g[n, c]
/// dg[n, c] += Σ y, x  dy[n, y, x, c] · x[n, y, x, c]
/// </code>
/// </summary>
internal static class ScaleChannelsBackward
{
    /// <summary>Computes the gradient of the input.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="outputGradient">dy, [N, H, W, C].</param>
    /// <param name="factors">g, [N, 1, 1, C].</param>
    /// <param name="inputGradient">dx, [N, H, W, C]; may be dy itself.</param>
    public static void ToInput(Device device, Tensor outputGradient, Tensor factors, Tensor inputGradient)
        => ScaleChannels.Run(device, outputGradient, factors, inputGradient);

    /// <summary>Adds the gradient of the factors.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">x, [N, H, W, C].</param>
    /// <param name="outputGradient">dy, [N, H, W, C].</param>
    /// <param name="factorGradient">dg, [N, 1, 1, C], to which the gradient is added.</param>
    public static void ToFactors(Device device, Tensor input, Tensor outputGradient, Tensor factorGradient)
    {
        var shape = input.Shape;
        if (outputGradient.Shape != shape || factorGradient.Shape != new Shape(shape.N, 1, 1, shape.C))
        {
            throw new ArgumentException(
                $"Gradients of {outputGradient.Shape} and {factorGradient.Shape} don't fit an input of {shape}.", nameof(outputGradient));
        }
        using var sums = PictureSums.Of(device, outputGradient, input);
        Accumulate.Run(device, sums.Products, factorGradient.View);
    }
}
