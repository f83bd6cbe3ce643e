using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// A fully connected layer that can be trained. Its input is rows, or whole maps, which PyTorch flattens from [C, H, W] and this
/// library from [H, W, C].
/// </summary>
internal sealed class TrainableLinear : IDisposable
{
    private readonly ParameterSet parameters;
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly ConvolutionGeometry geometry;
    private readonly ConvolutionWeights forward;
    private readonly MatrixProductBackward? backward;
    private int? forwardVersion;
    private int? backwardVersion;

    private TrainableLinear(ParameterSet parameters, Parameter weight, Parameter bias, ConvolutionGeometry geometry)
    {
        this.parameters = parameters;
        this.weight = weight;
        this.bias = bias;
        this.geometry = geometry;
        // Reserve memory now, not at first use: if a step fails, all memory that was rented during it is freed.
        if (IsTrained)
            backward = MatrixProductBackward.Reserve(Device, geometry);
        forward = ConvolutionWeights.ReserveProduct(Device, geometry, bias.Value);
    }

    /// <summary>The layer's name: the prefix of its tensors' names.</summary>
    public string Name => weight.Layer;

    /// <summary>The layer's parameters.</summary>
    public IEnumerable<Parameter> Parameters => [weight, bias];

    /// <summary>The number of output channels, K.</summary>
    public int OutputC => geometry.OutputC;

    /// <summary>Whether steps change it.</summary>
    public bool IsTrained => weight.IsTrained;

    private Device Device => parameters.Device;

    /// <summary>Reads a layer.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The layer's name.</param>
    /// <param name="channels">Channels of its input, C.</param>
    /// <param name="side">The height and width of its input: 7 for a RoI's features, 1 for rows.</param>
    /// <param name="training">Whether it is trained.</param>
    public static TrainableLinear Read(ParameterSet parameters, string name, int channels, int side, LayerTraining training)
    {
        var outputC = parameters.Source.Size(name + ".weight", 0, 2);
        return new TrainableLinear(
            parameters,
            parameters.Read(name + ".weight", training.IsTrained, outputC, channels * side * side),
            parameters.Read(name + ".bias", training.IsTrained, outputC),
            new ConvolutionGeometry(side, side, channels, outputC, ConvolutionWindow.Square()));
    }

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
