using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// Squeeze-and-excitation (Hu et al., Squeeze-and-Excitation Networks, section 3): two small layers turn the means of all channels
/// into a factor between 0 and 1 for each channel. The second layer ends in a hard sigmoid in
/// MobileNetV3, and in a sigmoid in EfficientNet.
/// </summary>
internal sealed class SqueezeExcitation : ILayer
{
    private readonly ConvolutionLayer squeeze;
    private readonly ConvolutionLayer excite;

    /// <summary>Defines the two layers, and adds them to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of their names.</param>
    /// <param name="channels">Channels of the map to scale.</param>
    /// <param name="squeezedC">Channels of the first layer's output.</param>
    /// <param name="activation">The activation of the first layer.</param>
    /// <param name="gate">The activation of the second layer, with values between 0 and 1.</param>
    public SqueezeExcitation(LayerSet layers, string name, int channels, int squeezedC, Activation activation, Activation gate)
    {
        squeeze = new ConvolutionLayer(layers, name + ".fc1", channels, squeezedC, ConvolutionWindow.Square(), activation);
        excite = new ConvolutionLayer(layers, name + ".fc2", squeezedC, channels, ConvolutionWindow.Square(), gate);
    }

    /// <summary>Returns the input with its channels scaled; the caller disposes the output and keeps the input.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="x">The input, [N, H, W, C].</param>
    public Variable Run(Tape tape, Variable x)
    {
        using var means = tape.GlobalAveragePool(x);
        using var squeezed = squeeze.Run(tape, means);
        using var gates = excite.Run(tape, squeezed);
        return tape.ScaleChannels(x, gates);
    }
}
