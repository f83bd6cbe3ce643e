using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Training;

/// <summary>
/// A convolution that can be trained. Its parameters keep PyTorch's order; the weights for kernels are packed from them again after
/// each step. A frozen batch norm is folded in, as in inference: with s = γ / √(σ² + ε),
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
        // Reserve memory now, not at first use: if a step fails, all memory that was rented during it is freed.
        if (IsTrained)
            backward = ConvolutionBackwardData.Reserve(Device, geometry);
        forward = ConvolutionWeights.Reserve(Device, geometry, WeightLayout.Forward(geometry), folded?.Shift.View ?? bias?.Value);
    }

    /// <summary>The batch norm that follows if it is trained too; null if there is none or it is folded in.</summary>
    public TrainableNorm? Norm { get; private init; }

    /// <summary>The layer's name: the prefix of its tensors' names.</summary>
    public string Name => weight.Layer;

    /// <summary>The parameters of the convolution itself, without those of a norm.</summary>
    public IEnumerable<Parameter> Parameters => bias is null ? [weight] : [weight, bias];

    /// <summary>The number of output channels, K.</summary>
    public int OutputC => geometry.OutputC;

    /// <summary>Whether steps change its weights.</summary>
    public bool IsTrained => weight.IsTrained;

    private Device Device => parameters.Device;

    /// <summary>Reads a convolution.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The convolution's name.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="window">Stride, padding, dilation, groups.</param>
    /// <param name="norm">The name of the batch norm that follows, or null.</param>
    /// <param name="training">Which parts are trained.</param>
    /// <exception cref="WeightsException">A tensor is missing or has the wrong shape.</exception>
    public static TrainableConvolution Read(
        ParameterSet parameters, string name, int inputC, ConvolutionWindow window, string? norm, LayerTraining training)
    {
        var outputC = parameters.Source.Size(name + ".weight", 0, 4);
        // The padding must keep the size of the map, apart from the stride.
        var (kernelH, kernelW) = (2 * window.Padding.Y + 1, 2 * window.Padding.X + 1);
        var geometry = new ConvolutionGeometry(kernelH, kernelW, inputC / window.ChannelGroups, outputC, window);
        var weight = parameters.Read(name + ".weight", training.IsTrained, outputC, geometry.ChannelGroupInputC, kernelH, kernelW);
        if (norm is not null && parameters.Source.Has(name + ".bias"))
            throw parameters.Source.Error($"the convolution '{name}' has a bias before a batch norm, which training does not support.");
        if (norm is null)
            return new(parameters, weight, parameters.Read(name + ".bias", training.IsTrained, outputC), null, geometry);
        return training.FoldsNorms
            ? new(parameters, weight, null, FoldedNorm.Read(parameters, norm, outputC, training.Epsilon), geometry)
            : new(parameters, weight, null, null, geometry) { Norm = new TrainableNorm(parameters, norm, outputC, training) };
    }

    /// <summary>Reads a convolution <c>name.0</c> with the batch norm <c>name.1</c>, or with a bias if there is no batch norm.</summary>
    public static TrainableConvolution ReadNormalised(
        ParameterSet parameters, string name, int inputC, ConvolutionWindow window, LayerTraining training)
        => Read(parameters, name + ".0", inputC, window, parameters.Source.HasAny(name + ".1.") ? name + ".1" : null, training);

    /// <summary>The output shape for an input shape.</summary>
    public Shape OutputShape(Shape input) => geometry.Window.OutputShape(input, geometry.KernelH, geometry.KernelW, OutputC);

    /// <summary>The current weights, packed for the forward pass.</summary>
    public ConvolutionWeights Forward()
    {
        if (parameters.IsOld(ref forwardVersion, IsTrained))
            WithFolded(values => forward.Pack(Device, values));
        return forward;
    }

    /// <summary>The current weights, packed for the gradient of the input.</summary>
    public ConvolutionBackwardData Backward()
    {
        if (backward is null)
            throw new InvalidOperationException($"'{weight.Name}' is frozen, so every layer before it must be frozen too.");
        if (parameters.IsOld(ref backwardVersion, IsTrained))
            WithFolded(backward.Pack);
        return backward;
    }

    /// <summary>Adds to the gradients of weights and bias.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
    /// <param name="outputGradient">The gradient of the output before any activation, [N, OH, OW, K].</param>
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

    /// <summary>The constants of a frozen batch norm: s and bias, [K] each.</summary>
    private sealed record FoldedNorm(DeviceArray<float> Scale, DeviceArray<float> Shift) : IDisposable
    {
        public static FoldedNorm Read(ParameterSet parameters, string name, int channels, float epsilon)
        {
            // These are parameters too, because they are saved with the others.
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
                        $"the tensor '{name}.running_var' has {variance[k]} at [{k}], which gives no finite scale.");
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
