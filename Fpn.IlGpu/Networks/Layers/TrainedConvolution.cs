using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The parameters of a convolution that is trained or saved again. They keep PyTorch's order; the weights for kernels are packed from
/// them again after each step. A frozen batch norm is always folded in; one that is trained is folded in only for inference, with its
/// running statistics. With s = γ / √(σ² + ε),
/// <code>
/// folded[k, …] = s[k] · weight[k, …]     shift[k] = β[k] + (bias[k] − μ[k]) · s[k]     d weight[k, …] = s[k] · d folded[k, …]
/// </code>
/// A bias before a batch norm, which few networks have, keeps its values: the norm's own offset β has the same effect.
/// </summary>
internal sealed class TrainedConvolution : IDisposable
{
    private readonly ParameterSet parameters;
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly FoldedBatchNorm? folded;
    private readonly ConvolutionGeometry geometry;
    private readonly ConvolutionWeights forward;
    private readonly ConvolutionBackwardData? backward;
    private int? forwardVersion;
    private bool forwardIsFolded;
    private int? backwardVersion;

    /// <summary>Reads the parameters.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The convolution's name.</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="hasBias">Whether it has a bias.</param>
    /// <param name="batchNorm">The name of the batch norm that follows, or null.</param>
    /// <param name="training">Which parts are trained.</param>
    /// <exception cref="WeightsException">A tensor is missing or has the wrong shape.</exception>
    public TrainedConvolution(
        ParameterSet parameters, string name, ConvolutionGeometry geometry, bool hasBias, string? batchNorm, LayerTraining training)
    {
        this.parameters = parameters;
        this.geometry = geometry;
        var outputC = geometry.OutputC;
        weight = parameters.Read(
            name + ".weight", training.IsTrained, outputC, geometry.ChannelGroupInputC, geometry.KernelH, geometry.KernelW);
        if (hasBias || parameters.Source.Has(name + ".bias"))
            bias = parameters.Read(name + ".bias", training.IsTrained && batchNorm is null, outputC);
        if (batchNorm is not null)
        {
            Norm = training.FoldsNorms ? null : new TrainedBatchNorm(parameters, batchNorm, outputC, training);
            folded = Norm is null ? FoldedBatchNorm.Of(parameters, batchNorm, bias, outputC) : Norm.Reserve();
        }
        // Reserve memory now, not at first use: if a step fails, all memory that was rented during it is freed.
        if (IsTrained)
            backward = ConvolutionBackwardData.Reserve(Device, geometry);
        forward = ConvolutionWeights.Reserve(Device, geometry, WeightLayout.Forward(geometry), folded?.Shift ?? bias?.Value);
    }

    /// <summary>The batch norm that follows if it is trained too; null if there is none or it is a constant.</summary>
    public TrainedBatchNorm? Norm { get; }

    /// <summary>The parameters of the convolution itself, without those of a norm.</summary>
    public IEnumerable<Parameter> Parameters => bias is null ? [weight] : [weight, bias];

    /// <summary>Whether steps change its weights.</summary>
    public bool IsTrained => weight.IsTrained;

    private Device Device => parameters.Device;

    /// <summary>The current weights, packed for the forward pass.</summary>
    /// <param name="isFolded">Whether to fold in a batch norm that is trained, with its running statistics.</param>
    public ConvolutionWeights Forward(bool isFolded)
    {
        var mode = isFolded || Norm is null;
        var isOld = parameters.IsOld(ref forwardVersion, IsTrained);
        if (!isOld && mode == forwardIsFolded)
            return forward;
        forwardIsFolded = mode;
        if (Norm is not null)
        {
            // Where the norm is not folded in, the convolution adds its own bias, if it has one.
            Fill.Run(Device, 0, folded!.Shift);
            if (bias is not null)
                Accumulate.Run(Device, bias.Value, folded.Shift);
            if (mode)
                Norm.Fold(folded);
        }
        Pack(mode, values => forward.Pack(Device, values));
        return forward;
    }

    /// <summary>The current weights, packed for the gradient of the input.</summary>
    public ConvolutionBackwardData Backward()
    {
        if (backward is null)
            throw new InvalidOperationException($"'{weight.Name}' is frozen, so every layer before it must be frozen too.");
        if (parameters.IsOld(ref backwardVersion, IsTrained))
            Pack(Norm is null, backward.Pack);
        return backward;
    }

    /// <summary>Adds to the gradients of weights and bias.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
    /// <param name="outputGradient">The gradient of the output before any activation, [N, OH, OW, K].</param>
    public void AddGradients(Tensor input, Tensor outputGradient)
    {
        if (bias is { IsTrained: true })
            ConvolutionBackwardBias.Run(Device, outputGradient, bias.Gradient, bias.HasGradient);
        if (folded is null || Norm is not null)
        {
            ConvolutionBackwardWeights.Run(Device, geometry, input, outputGradient, weight.Gradient, weight.HasGradient);
        }
        else
        {
            using var ofFolded = Device.Rent<float>(weight.Value.Length);
            ConvolutionBackwardWeights.Run(Device, geometry, input, outputGradient, ofFolded.View);
            ScaleRows.Run(Device, ofFolded.View, folded.Scale, weight.HasGradient, weight.Gradient);
        }
        weight.HasGradient = true;
        if (bias is { IsTrained: true })
            bias.HasGradient = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        forward.Dispose();
        backward?.Dispose();
        folded?.Dispose();
    }

    private void Pack(bool isFolded, Action<ArrayView<float>> pack)
    {
        if (folded is null || !isFolded)
        {
            pack(weight.Value);
            return;
        }
        using var values = Device.Rent<float>(weight.Value.Length);
        ScaleRows.Run(Device, weight.Value, folded.Scale, accumulate: false, values.View);
        pack(values.View);
    }
}
