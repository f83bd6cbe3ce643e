using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>A batch norm that is trained: γ and β, and also the running statistics if it normalises by the batch's.</summary>
internal sealed class TrainableNorm
{
    // PyTorch's default.
    private const float Momentum = 0.1f;

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
    public TrainableNorm(ParameterSet parameters, string name, int channels, LayerTraining training)
    {
        device = parameters.Device;
        gamma = parameters.Read(name + ".weight", true, channels);
        beta = parameters.Read(name + ".bias", true, channels);
        mean = parameters.Read(name + ".running_mean", false, channels);
        variance = parameters.Read(name + ".running_var", false, channels);
        isLive = training.Norms == NormTraining.Live;
        epsilon = training.Epsilon;
    }

    /// <summary>The layer's name: the prefix of its tensors' names.</summary>
    public string Name => gamma.Layer;

    /// <summary>The parameters that its output depends on; the running statistics only if it doesn't use the batch's.</summary>
    public IEnumerable<Parameter> Parameters => isLive ? [gamma, beta] : [gamma, beta, mean, variance];

    private BatchNorm.Affine Affine => new(gamma.Value, beta.Value);

    /// <summary>Runs the batch norm and returns the statistics it used, which the caller disposes.</summary>
    public Statistics Run(Tensor input, Activation activation, Tensor output)
    {
        var used = new Statistics(device.Rent<float>(input.Shape.C), device.Rent<float>(input.Shape.C));
        var running = new BatchNorm.Running(mean.Value, variance.Value);
        if (isLive)
            BatchNorm.Live(device, input, Affine, running, epsilon, Momentum, activation, used.View, output);
        else
            BatchNorm.Frozen(device, input, Affine, running, epsilon, activation, used.View, output);
        return used;
    }

    /// <summary>Adds to the gradients of γ and β, and writes the gradient of the input.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
    /// <param name="outputGradient">The gradient of the output, [N, H, W, C].</param>
    /// <param name="used">The statistics from the forward pass.</param>
    /// <param name="inputGradient">Receives the gradient of the input; may be the output's, null if it is not needed.</param>
    public void AddGradients(Tensor input, Tensor outputGradient, Statistics used, Tensor? inputGradient)
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
    internal sealed record Statistics(DeviceArray<float> Mean, DeviceArray<float> Factor) : IDisposable
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
