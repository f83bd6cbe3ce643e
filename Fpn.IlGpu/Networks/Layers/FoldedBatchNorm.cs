using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// A batch norm as a factor and an offset of each channel, [K] each, to fold into the convolution before it:
/// <code>scale = γ / √(σ² + ε)     shift = β + (bias − μ) · scale</code>
/// </summary>
internal sealed class FoldedBatchNorm : IDisposable
{
    private readonly DeviceArray<float> scale;
    private readonly DeviceArray<float> shift;

    /// <summary>Copies the values to a device.</summary>
    /// <param name="device">The device to hold them.</param>
    /// <param name="scale">The factors, [K].</param>
    /// <param name="shift">The offsets, [K].</param>
    public FoldedBatchNorm(Device device, ReadOnlySpan<float> scale, ReadOnlySpan<float> shift)
        => (this.scale, this.shift) = (device.Upload(scale), device.Upload(shift));

    /// <summary>The factors, [K].</summary>
    public ArrayView<float> Scale => scale.View;

    /// <summary>The offsets, [K].</summary>
    public ArrayView<float> Shift => shift.View;

    /// <summary>Reads a batch norm that is not trained. Its tensors are parameters too, because they are saved with the others.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The prefix of its tensors' names.</param>
    /// <param name="bias">The bias of the convolution before it, or null.</param>
    /// <param name="channels">The number of channels, K.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing or has the wrong shape, or a factor is not finite.</exception>
    public static FoldedBatchNorm Of(ParameterSet parameters, string name, Parameter? bias, int channels)
    {
        foreach (var tensor in (string[])["weight", "bias", "running_mean", "running_var"])
            parameters.Read($"{name}.{tensor}", isTrained: false, channels);
        var shift = bias?.ToTensor().ToArray() ?? new float[channels];
        var scale = parameters.Source.FoldBatchNorm(name, shift);
        return new FoldedBatchNorm(parameters.Device, scale, shift);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        scale.Dispose();
        shift.Dispose();
    }
}
