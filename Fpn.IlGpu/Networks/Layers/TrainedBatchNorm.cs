using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>A batch norm that is trained: γ and β, and also the running statistics if it normalises by the batch's.</summary>
internal sealed class TrainedBatchNorm
{
    // PyTorch's default.
    private const float Momentum = 0.1f;

    private readonly string name;
    private readonly Device device;
    private readonly Parameter gamma;
    private readonly Parameter beta;
    private readonly Parameter mean;
    private readonly Parameter variance;
    private readonly bool isLive;
    private readonly float epsilon;

    /// <summary>Reads a batch norm.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The prefix of its tensors' names.</param>
    /// <param name="channels">The number of channels, C.</param>
    /// <param name="training">Determines whether it uses the batch's or the running statistics.</param>
    public TrainedBatchNorm(ParameterSet parameters, string name, int channels, LayerTraining training)
    {
        this.name = name;
        device = parameters.Device;
        gamma = parameters.Read(name + ".weight", true, channels);
        beta = parameters.Read(name + ".bias", true, channels);
        mean = parameters.Read(name + ".running_mean", false, channels);
        variance = parameters.Read(name + ".running_var", false, channels);
        isLive = training.Norms == NormTraining.Live;
        epsilon = parameters.Source.BatchNormEpsilon;
    }

    private BatchNorm.Affine Affine => new(gamma.Value, beta.Value);

    private BatchNorm.Running Running => new(mean.Value, variance.Value);

    // Its output depends on the running statistics only if it doesn't use the batch's.
    private IEnumerable<Parameter> Used => isLive ? [gamma, beta] : [gamma, beta, mean, variance];

    /// <summary>Reserves room for <see cref="Fold"/>.</summary>
    public FoldedBatchNorm Reserve() => new(device, new float[gamma.Value.Length], new float[gamma.Value.Length]);

    /// <summary>Computes the factors and offsets that equal the batch norm with its running statistics.</summary>
    /// <param name="folded">The bias of the convolution before it as offsets; receives the factors and offsets.</param>
    public void Fold(FoldedBatchNorm folded) => BatchNormFold.Run(device, Affine, Running, epsilon, folded.Scale, folded.Shift);

    /// <summary>Runs the batch norm, then an activation (see <see cref="BatchNorm"/>); the caller disposes the output.</summary>
    /// <param name="tape">The tape to record on.</param>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <param name="activation">The activation.</param>
    /// <param name="into">The memory for the output, or null to rent it.</param>
    public Variable Run(Tape tape, Variable x, Activation activation, Tensor? into = null)
    {
        if (!ActivationBackward.NeedsInput(activation))
            return Normalise(tape, x, activation, into);
        using var normalised = Normalise(tape, x, Activation.None, null);
        return tape.Activate(normalised, activation, into);
    }

    private Variable Normalise(Tape tape, Variable x, Activation activation, Tensor? into)
    {
        var output = tape.New(into ?? Tensor.Rent(device, x.Shape));
        var statistics = tape.Hold(new Statistics(device.Rent<float>(x.Shape.C), device.Rent<float>(x.Shape.C)));
        if (isLive)
            BatchNorm.Live(device, x.Value, Affine, Running, epsilon, Momentum, activation, statistics.View, output.Value);
        else
            BatchNorm.Frozen(device, x.Value, Affine, Running, epsilon, activation, statistics.View, output.Value);
        if (tape.IsWatched)
            NumberWatch.Forward(name, Used, output.Value);
        tape.Record(output, Tape.Kept(x, output, activation), gradient =>
        {
            if (activation != Activation.None)
                ActivationBackward.Run(device, activation, gradient, output.Value, gradient);
            AddGradients(x.Value, gradient, statistics, x.NeedsGradient ? gradient : null);
            if (x.NeedsGradient)
                Tape.PassOn(output, x);
            if (tape.IsWatched)
                NumberWatch.Backward(name, Used, x.Gradient);
        });
        return output;
    }

    /// <summary>Adds to the gradients of γ and β, and writes the gradient of the input.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
    /// <param name="outputGradient">The gradient of the output, [N, H, W, C].</param>
    /// <param name="used">The statistics from the forward pass.</param>
    /// <param name="inputGradient">Receives the gradient of the input; may be the output's, null if it is not needed.</param>
    private void AddGradients(Tensor input, Tensor outputGradient, Statistics used, Tensor? inputGradient)
    {
        using var gammaGradient = device.Rent<float>(input.Shape.C);
        using var betaGradient = device.Rent<float>(input.Shape.C);
        var sums = new BatchNorm.Affine(gammaGradient.View, betaGradient.View);
        BatchNormBackward.Sums(device, input, outputGradient, used.View, sums);
        if (inputGradient is not null)
            BatchNormBackward.ToInput(device, input, outputGradient, gamma.Value, used.View, isLive, sums, inputGradient);
        gamma.AddGradient(device, gammaGradient.View);
        beta.AddGradient(device, betaGradient.View);
    }

    /// <summary>The μ and 1 / √(σ² + ε) that the forward pass used.</summary>
    private sealed record Statistics(DeviceArray<float> Mean, DeviceArray<float> Factor) : IDisposable
    {
        /// <summary>The statistics, for kernels.</summary>
        public BatchNorm.Used View => new(Mean.View, Factor.View);

        /// <inheritdoc/>
        public void Dispose()
        {
            Mean.Dispose();
            Factor.Dispose();
        }
    }
}
