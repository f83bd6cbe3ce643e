using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Networks;

/// <summary>A group norm, then an activation (see <see cref="GroupNorm"/>).</summary>
public sealed class GroupNormLayer : WeightedLayer
{
    /// <summary>ε: torchvision's value. Model files do not contain it.</summary>
    internal const float Epsilon = 1e-5f;

    private readonly int channels;
    private readonly Activation activation;
    private (DeviceArray<float> Gamma, DeviceArray<float> Beta)? constants;
    private (Parameter Gamma, Parameter Beta)? trained;

    /// <summary>Defines a layer, and adds it to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The layer's name.</param>
    /// <param name="channels">The number of channels, C: a multiple of <see cref="Groups"/>.</param>
    /// <param name="activation">The activation at the end.</param>
    public GroupNormLayer(LayerSet layers, string name, int channels, Activation activation)
        : base(layers, name)
    {
        this.channels = channels;
        this.activation = activation;
    }

    /// <summary>The number of groups: torchvision's.</summary>
    public static int Groups => 32;

    /// <inheritdoc/>
    internal override IEnumerable<TensorSpec> Tensors =>
    [
        new(Name + ".weight", [channels], Initial.Ones, channels), new(Name + ".bias", [channels], Initial.Zeros, channels),
    ];

    private ArrayView<float> Gamma => constants?.Gamma.View ?? trained!.Value.Gamma.Value;

    private ArrayView<float> Beta => constants?.Beta.View ?? trained!.Value.Beta.Value;

    /// <summary>Runs the layer; the caller disposes the output and keeps the input.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="x">The input, [N, H, W, C].</param>
    public Variable Run(Tape tape, Variable x)
    {
        var device = tape.Device;
        var output = tape.New(Tensor.Rent(device, x.Shape));
        var learns = tape.Records && trained is { Gamma.IsTrained: true };
        var needsGradient = learns || x.NeedsGradient;
        BatchNorm.Used? used = needsGradient ? Statistics(tape, x.Shape) : null;
        GroupNorm.Run(device, x.Value, Gamma, Beta, Groups, Epsilon, activation, output.Value, used);
        if (tape.IsWatched)
            NumberWatch.Forward(Name, [trained!.Value.Gamma, trained.Value.Beta], output.Value);
        if (!needsGradient)
            return output;
        tape.Record(output, Tape.Kept(x, output, activation), gradient =>
        {
            if (activation != Activation.None)
                ActivationBackward.Run(device, activation, gradient, output.Value, gradient);
            using var gamma = device.Rent<float>(channels);
            using var beta = device.Rent<float>(channels);
            GroupNormBackward.Run(
                device, x.Value, gradient, Gamma, Groups, used!.Value, accumulate: false, new GroupNorm.Affine(gamma.View, beta.View),
                gradient);
            if (learns)
            {
                trained!.Value.Gamma.AddGradient(device, gamma.View);
                trained.Value.Beta.AddGradient(device, beta.View);
            }
            if (x.NeedsGradient)
                Tape.PassOn(output, x);
            if (tape.IsWatched)
                NumberWatch.Backward(Name, [trained!.Value.Gamma, trained.Value.Beta], x.Gradient);
        });
        return output;
    }

    /// <summary>Room for the mean and 1 / √(σ² + ε) of each picture and channel, which the gradient needs.</summary>
    private static BatchNorm.Used Statistics(Tape tape, Shape shape)
    {
        var length = (long)shape.N * shape.C;
        return new BatchNorm.Used(tape.Hold(tape.Device.Rent<float>(length)).View, tape.Hold(tape.Device.Rent<float>(length)).View);
    }

    /// <inheritdoc/>
    internal override void Load(Device device, WeightReader weights)
        => constants = (
            device.Upload<float>(weights.Read(Name + ".weight", channels)), device.Upload<float>(weights.Read(Name + ".bias", channels)));

    /// <inheritdoc/>
    internal override void Load(ParameterSet parameters, LayerTraining training)
        => trained = (
            parameters.Read(Name + ".weight", training.IsTrained, channels), parameters.Read(Name + ".bias", training.IsTrained, channels));

    /// <inheritdoc/>
    public override void Dispose()
    {
        constants?.Gamma.Dispose();
        constants?.Beta.Dispose();
    }
}
