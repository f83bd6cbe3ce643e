using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Training;

/// <summary>
/// A convolution that can be trained. Its parameters keep PyTorch's order; what kernels read is packed from them again after each
/// step. A frozen batch norm is folded in, as in inference: with s = γ / √(σ² + ε)
/// <code>
/// folded[k, …] = s[k] · weight[k, …]     bias[k] = β[k] − μ[k] · s[k]     d weight[k, …] = s[k] · d folded[k, …]
/// </code>
/// </summary>
internal sealed class TrainableConvolution : IDisposable
{
    private readonly ParameterSet parameters;
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly FoldedNorm? folded;
    private readonly ConvolutionGeometry geometry;
    private readonly ConvolutionWeights forward;
    private readonly ConvolutionBackwardData? backward;
    private int? forwardVersion;
    private int? backwardVersion;

    private TrainableConvolution(
        ParameterSet parameters, Parameter weight, Parameter? bias, FoldedNorm? folded, ConvolutionGeometry geometry)
    {
        this.parameters = parameters;
        this.weight = weight;
        this.bias = bias;
        this.folded = folded;
        this.geometry = geometry;
        // Now, and not when it is first needed: what is rented during a step is given back after it.
        if (IsTrained)
            backward = ConvolutionBackwardData.Reserve(Device, geometry);
        forward = ConvolutionWeights.Reserve(Device, geometry, WeightLayout.Forward(geometry), folded?.Shift.View ?? bias?.Value);
    }

    /// <summary>The batch norm that follows, where it is trained, too; null where there is none, or it is folded in.</summary>
    public TrainableNorm? Norm { get; private init; }

    /// <summary>Of the layer, as its tensors' names begin.</summary>
    public string Name => weight.Layer;

    /// <summary>Its own; not those of a norm.</summary>
    public IEnumerable<Parameter> Parameters => bias is null ? [weight] : [weight, bias];

    /// <summary>K.</summary>
    public int OutputC => geometry.OutputC;

    /// <summary>Whether steps change its weights.</summary>
    public bool IsTrained => weight.IsTrained;

    private Device Device => parameters.Device;

    /// <summary>Reads one.</summary>
    /// <param name="parameters">Which its tensors become a part of.</param>
    /// <param name="name">The convolution's name.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="window">Stride, padding, dilation, groups.</param>
    /// <param name="norm">The name of the batch norm that follows, or null.</param>
    /// <param name="training">What of it is trained.</param>
    /// <exception cref="WeightsException">Something is missing, or of another shape.</exception>
    public static TrainableConvolution Read(
        ParameterSet parameters, string name, int inputC, ConvolutionWindow window, string? norm, LayerTraining training)
    {
        var outputC = parameters.Source.Size(name + ".weight", 0, 4);
        // Every layer keeps its map's size, or divides it by its stride.
        var (kernelH, kernelW) = (2 * window.Padding.Y + 1, 2 * window.Padding.X + 1);
        var geometry = new ConvolutionGeometry(kernelH, kernelW, inputC / window.ChannelGroups, outputC, window);
        var weight = parameters.Read(name + ".weight", training.IsTrained, outputC, geometry.ChannelGroupInputC, kernelH, kernelW);
        if (norm is not null && parameters.Source.Has(name + ".bias"))
            throw parameters.Source.Error($"the convolution '{name}' has a bias before a batch norm, which is not trained.");
        if (norm is null)
            return new(parameters, weight, parameters.Read(name + ".bias", training.IsTrained, outputC), null, geometry);
        return training.FoldsNorms
            ? new(parameters, weight, null, FoldedNorm.Read(parameters, norm, outputC, training.Epsilon), geometry)
            : new(parameters, weight, null, null, geometry) { Norm = new TrainableNorm(parameters, norm, outputC, training) };
    }

    /// <summary>A convolution <c>name.0</c> with the batch norm <c>name.1</c>, or with a bias where there is none.</summary>
    public static TrainableConvolution ReadNormalised(
        ParameterSet parameters, string name, int inputC, ConvolutionWindow window, LayerTraining training)
        => Read(parameters, name + ".0", inputC, window, parameters.Source.HasAny(name + ".1.") ? name + ".1" : null, training);

    /// <summary>The output's shape for an input's.</summary>
    public Shape OutputShape(Shape input) => geometry.Window.OutputShape(input, geometry.KernelH, geometry.KernelW, OutputC);

    /// <summary>The weights as they are now, packed for the forward pass.</summary>
    public ConvolutionWeights Forward()
    {
        if (parameters.IsOld(ref forwardVersion, IsTrained))
            WithFolded(values => forward.Pack(Device, values));
        return forward;
    }

    /// <summary>The weights as they are now, packed for the gradient of the input.</summary>
    public ConvolutionBackwardData Backward()
    {
        if (backward is null)
            throw new InvalidOperationException($"'{weight.Name}' is frozen, and so must be all that comes before it.");
        if (parameters.IsOld(ref backwardVersion, IsTrained))
            WithFolded(backward.Pack);
        return backward;
    }

    /// <summary>Adds to the gradients of weights and bias.</summary>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">[N, OH, OW, K], before any activation.</param>
    public void AddGradients(Tensor input, Tensor outputGradient)
    {
        if (bias is not null)
            ConvolutionBackwardBias.Run(Device, outputGradient, bias.Gradient, bias.HasGradient);
        if (folded is null)
        {
            ConvolutionBackwardWeights.Run(Device, geometry, input, outputGradient, weight.Gradient, weight.HasGradient);
        }
        else
        {
            using var ofFolded = Device.Rent<float>(weight.Value.Length);
            ConvolutionBackwardWeights.Run(Device, geometry, input, outputGradient, ofFolded.View);
            ScaleRows.Run(Device, ofFolded.View, folded.Scale.View, weight.HasGradient, weight.Gradient);
        }
        weight.HasGradient = true;
        if (bias is not null)
            bias.HasGradient = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        forward.Dispose();
        backward?.Dispose();
        folded?.Dispose();
    }

    private void WithFolded(Action<ArrayView<float>> use)
    {
        if (folded is null)
        {
            use(weight.Value);
            return;
        }
        using var values = Device.Rent<float>(weight.Value.Length);
        ScaleRows.Run(Device, weight.Value, folded.Scale.View, accumulate: false, values.View);
        use(values.View);
    }

    /// <summary>A batch norm that is a constant: s and bias, [K] each.</summary>
    private sealed record FoldedNorm(DeviceArray<float> Scale, DeviceArray<float> Shift) : IDisposable
    {
        public static FoldedNorm Read(ParameterSet parameters, string name, int channels, float epsilon)
        {
            // Parameters, too, as they are saved with the rest.
            var gamma = parameters.Read(name + ".weight", false, channels).ToTensor().ToArray();
            var beta = parameters.Read(name + ".bias", false, channels).ToTensor().ToArray();
            var mean = parameters.Read(name + ".running_mean", false, channels).ToTensor().ToArray();
            var variance = parameters.Read(name + ".running_var", false, channels).ToTensor().ToArray();
            var scale = new float[channels];
            var shift = new float[channels];
            for (var k = 0; k < channels; k++)
            {
                scale[k] = gamma[k] / MathF.Sqrt(variance[k] + epsilon);
                if (!float.IsFinite(scale[k]))
                {
                    throw parameters.Source.Error(
                        $"the tensor '{name}.running_var' has {variance[k]} at [{k}], by whose root can't be divided.");
                }
                shift[k] = beta[k] - mean[k] * scale[k];
            }
            return new FoldedNorm(parameters.Device.Upload<float>(scale), parameters.Device.Upload<float>(shift));
        }

        public void Dispose()
        {
            Scale.Dispose();
            Shift.Dispose();
        }
    }
}
