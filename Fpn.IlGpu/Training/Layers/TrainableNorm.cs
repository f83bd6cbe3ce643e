using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>A batch norm that is trained: γ, β, and with the batch's statistics also the running ones.</summary>
internal sealed class TrainableNorm
{
    // PyTorch's.
    private const float Momentum = 0.1f;

    private readonly Device device;
    private readonly Parameter gamma;
    private readonly Parameter beta;
    private readonly Parameter mean;
    private readonly Parameter variance;
    private readonly bool isLive;
    private readonly float epsilon;

    /// <summary>Reads one.</summary>
    /// <param name="parameters">Which its tensors become a part of.</param>
    /// <param name="name">What their names begin with.</param>
    /// <param name="channels">C.</param>
    /// <param name="training">Whose statistics it takes.</param>
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

    /// <summary>As its tensors' names begin.</summary>
    public string Name => gamma.Layer;

    /// <summary>What it computes with: the running statistics only where it doesn't take the batch's.</summary>
    public IEnumerable<Parameter> Parameters => isLive ? [gamma, beta] : [gamma, beta, mean, variance];

    private BatchNorm.Affine Affine => new(gamma.Value, beta.Value);

    /// <summary>Runs it; the caller disposes the statistics that were used.</summary>
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

    /// <summary>Adds to the gradients of γ and β, and writes that of the input.</summary>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">[N, H, W, C].</param>
    /// <param name="used">From the forward pass.</param>
    /// <param name="inputGradient">May be the output's; null where nothing needs it.</param>
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

    /// <summary>μ and 1 / √(σ² + ε) as they were used.</summary>
    internal sealed record Statistics(DeviceArray<float> Mean, DeviceArray<float> Factor) : IDisposable
    {
        /// <summary>What kernels take.</summary>
        public BatchNorm.Used View => new(Mean.View, Factor.View);

        /// <inheritdoc/>
        public void Dispose()
        {
            Mean.Dispose();
            Factor.Dispose();
        }
    }
}
