using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>A convolution with its weights: what a network is made of.</summary>
/// <param name="device">Where the weights are.</param>
/// <param name="weights">Packed weights and bias, batch norm folded in; owned by the layer.</param>
/// <param name="activation">What ends the layer.</param>
internal sealed class ConvolutionLayer(Device device, ConvolutionWeights weights, Activation activation)
    : ILayer
{
    /// <summary>K.</summary>
    public int OutputChannels => weights.OutputC;

    /// <summary>The output's shape for an input's.</summary>
    public Shape OutputShape(Shape input)
        => weights.Geometry.Window.OutputShape(input, weights.Geometry.KernelH, weights.Geometry.KernelW, weights.OutputC);

    /// <summary>Runs it into a tensor that the caller disposes.</summary>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="residual">[N, OH, OW, K] to add before the activation, or null.</param>
    public Tensor Run(Tensor input, Tensor? residual = null)
    {
        var output = Tensor.Rent(device, OutputShape(input.Shape));
        Run(input, residual, output);
        return output;
    }

    /// <summary>Runs it, and adds a coarser map, upsampled to the output's size; the caller disposes the output.</summary>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="coarser">[N, Ht, Wt, K].</param>
    public Tensor RunAndMerge(Tensor input, Tensor coarser)
    {
        var output = Tensor.Rent(device, OutputShape(input.Shape));
        Convolution.Run(device, input, weights, coarser, activation, output, upsampleResidual: true);
        return output;
    }

    /// <summary>Runs it into a tensor that is there.</summary>
    public void Run(Tensor input, Tensor? residual, Tensor output)
        => Convolution.Run(device, input, weights, residual, activation, output);

    /// <inheritdoc/>
    Tensor ILayer.Run(Tensor input) => Run(input);

    /// <inheritdoc/>
    public void Dispose() => weights.Dispose();
}
