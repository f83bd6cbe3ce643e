using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// Squeeze-and-excitation (Hu et al., Squeeze-and-Excitation Networks, section 3): the means of all channels, through
/// two small layers, give each channel a factor between 0 and 1. The last is a hard sigmoid, as in MobileNetV3.
/// </summary>
internal sealed class SqueezeExcitation : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionLayer squeeze;
    private readonly ConvolutionLayer excite;

    private SqueezeExcitation(Device device, ConvolutionLayer squeeze, ConvolutionLayer excite)
    {
        this.device = device;
        this.squeeze = squeeze;
        this.excite = excite;
    }

    /// <summary>Reads one for a map of so many channels.</summary>
    public static SqueezeExcitation Read(Device device, WeightReader weights, string name, int channels)
    {
        var squeeze = weights.Convolution(name + ".fc1", channels, ConvolutionWindow.Square(), Activation.Relu);
        var excite = weights.Convolution(
            name + ".fc2", squeeze.OutputChannels, ConvolutionWindow.Square(), Activation.HardSigmoid, outputC: channels);
        return new SqueezeExcitation(device, squeeze, excite);
    }

    /// <summary>The input, its channels weighed; the caller disposes it.</summary>
    /// <param name="input">[N, H, W, C].</param>
    public Tensor Run(Tensor input)
    {
        var shape = input.Shape;
        using var means = Tensor.Rent(device, new Shape(shape.N, 1, 1, shape.C));
        GlobalAveragePool.Run(device, input, means);
        using var squeezed = squeeze.Run(means);
        using var gates = excite.Run(squeezed);
        var output = Tensor.Rent(device, shape);
        ScaleChannels.Run(device, input, gates, output);
        return output;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        squeeze.Dispose();
        excite.Dispose();
    }
}
