using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>A convolution with its weights, the building block of all networks.</summary>
/// <param name="device">The device that holds the weights.</param>
/// <param name="weights">Packed weights and bias with the batch norm folded in; owned by the layer.</param>
/// <param name="activation">The activation at the end of the layer.</param>
internal sealed class ConvolutionLayer(Device device, ConvolutionWeights weights, Activation activation)
    : ILayer
{
    /// <summary>The number of output channels, K.</summary>
    public int OutputChannels => weights.OutputC;

    /// <summary>The output shape for an input shape.</summary>
    public Shape OutputShape(Shape input)
        => weights.Geometry.Window.OutputShape(input, weights.Geometry.KernelH, weights.Geometry.KernelW, weights.OutputC);

    /// <summary>Runs the layer into a new tensor, which the caller disposes.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
    /// <param name="residual">A tensor to add before the activation, [N, OH, OW, K], or null.</param>
    public Tensor Run(Tensor input, Tensor? residual = null)
    {
        var output = Tensor.Rent(device, OutputShape(input.Shape));
        Run(input, residual, output);
        return output;
    }

    /// <summary>Runs the layer and adds a coarser map, upsampled to the output's size; the caller disposes the output.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
    /// <param name="coarser">The coarser map, [N, Ht, Wt, K].</param>
    public Tensor RunAndMerge(Tensor input, Tensor coarser)
    {
        var output = Tensor.Rent(device, OutputShape(input.Shape));
        Convolution.Run(device, input, weights, coarser, activation, output, upsampleResidual: true);
        return output;
    }

    /// <summary>Runs the layer into an existing tensor.</summary>
    public void Run(Tensor input, Tensor? residual, Tensor output)
        => Convolution.Run(device, input, weights, residual, activation, output);

    /// <inheritdoc/>
    Tensor ILayer.Run(Tensor input) => Run(input);

    /// <inheritdoc/>
    public void Dispose() => weights.Dispose();
}
