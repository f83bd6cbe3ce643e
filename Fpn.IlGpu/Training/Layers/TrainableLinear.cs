using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// A fully connected layer that can be trained: of rows, or of maps that it sees as a whole, whose features PyTorch flattens from
/// [C, H, W] and this library from [H, W, C].
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
        // Now, and not when it is first needed: what is rented during a step is given back after it.
        if (IsTrained)
            backward = MatrixProductBackward.Reserve(Device, geometry);
        forward = ConvolutionWeights.ReserveProduct(Device, geometry, bias.Value);
    }

    /// <summary>Of the layer, as its tensors' names begin.</summary>
    public string Name => weight.Layer;

    /// <summary>Its own.</summary>
    public IEnumerable<Parameter> Parameters => [weight, bias];

    /// <summary>K.</summary>
    public int OutputC => geometry.OutputC;

    /// <summary>Whether steps change it.</summary>
    public bool IsTrained => weight.IsTrained;

    private Device Device => parameters.Device;

    /// <summary>Reads one.</summary>
    /// <param name="parameters">Which its tensors become a part of.</param>
    /// <param name="name">The layer's name.</param>
    /// <param name="channels">C of its input.</param>
    /// <param name="side">H and W of its input: 7 for a RoI's features, 1 for rows.</param>
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

    /// <summary>The weights as they are now, packed for the forward pass.</summary>
    public ConvolutionWeights Forward()
    {
        if (parameters.IsOld(ref forwardVersion, IsTrained))
            forward.Pack(Device, weight.Value);
        return forward;
    }

    /// <summary>The weights as they are now, packed for the gradient of the input.</summary>
    public MatrixProductBackward Backward()
    {
        if (backward is null)
            throw new InvalidOperationException($"'{weight.Name}' is frozen, and so must be all that comes before it.");
        if (parameters.IsOld(ref backwardVersion, IsTrained))
            backward.Pack(weight.Value);
        return backward;
    }

    /// <summary>Adds to the gradients of weights and bias.</summary>
    /// <param name="input">[M, side, side, C].</param>
    /// <param name="outputGradient">[M, 1, 1, K], before any activation.</param>
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
