using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The parameters of a fully connected layer that is trained or saved again. They keep PyTorch's order; the weights for kernels are
/// packed from them again after each step.
/// </summary>
internal sealed class TrainedProduct : IDisposable
{
    private readonly ParameterSet parameters;
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly ConvolutionGeometry geometry;
    private readonly ConvolutionWeights forward;
    private readonly MatrixProductBackward? backward;
    private int? forwardVersion;
    private int? backwardVersion;

    /// <summary>Reads the parameters.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The layer's name.</param>
    /// <param name="geometry">The layer as a convolution whose window is the whole map.</param>
    /// <param name="training">Whether it is trained.</param>
    /// <exception cref="WeightsException">A tensor is missing or has the wrong shape.</exception>
    public TrainedProduct(ParameterSet parameters, string name, ConvolutionGeometry geometry, LayerTraining training)
    {
        this.parameters = parameters;
        this.geometry = geometry;
        weight = parameters.Read(
            name + ".weight", training.IsTrained, geometry.OutputC, geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC);
        bias = parameters.Read(name + ".bias", training.IsTrained, geometry.OutputC);
        // Reserve memory now, not at first use: if a step fails, all memory that was rented during it is freed.
        if (IsTrained)
            backward = MatrixProductBackward.Reserve(Device, geometry);
        forward = ConvolutionWeights.ReserveProduct(Device, geometry, bias.Value);
    }

    /// <summary>Weights and bias.</summary>
    public IEnumerable<Parameter> Parameters => [weight, bias];

    /// <summary>Whether steps change them.</summary>
    public bool IsTrained => weight.IsTrained;

    private Device Device => parameters.Device;

    /// <summary>The current weights, packed for the forward pass.</summary>
    public ConvolutionWeights Forward()
    {
        if (parameters.IsOld(ref forwardVersion, IsTrained))
            forward.Pack(Device, weight.Value);
        return forward;
    }

    /// <summary>The current weights, packed for the gradient of the input.</summary>
    public MatrixProductBackward Backward()
    {
        if (backward is null)
            throw new InvalidOperationException($"'{weight.Name}' is frozen, so every layer before it must be frozen too.");
        if (parameters.IsOld(ref backwardVersion, IsTrained))
            backward.Pack(weight.Value);
        return backward;
    }

    /// <summary>Adds to the gradients of weights and bias.</summary>
    /// <param name="input">The input, [M, side, side, C].</param>
    /// <param name="outputGradient">The gradient of the output before any activation, [M, 1, 1, K].</param>
    public void AddGradients(Tensor input, Tensor outputGradient)
    {
        ConvolutionBackwardBias.Run(Device, outputGradient, bias.Gradient, bias.HasGradient);
        ConvolutionBackwardWeights.Run(Device, geometry, input, outputGradient, weight.Gradient, weight.HasGradient);
        weight.HasGradient = bias.HasGradient = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        forward.Dispose();
        backward?.Dispose();
    }
}
