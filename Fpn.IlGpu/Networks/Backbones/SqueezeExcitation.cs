using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// Squeeze-and-excitation (Hu et al., Squeeze-and-Excitation Networks, section 3): two small layers turn the means of all channels
/// into a factor between 0 and 1 for each channel. The second layer ends in a hard sigmoid, as in MobileNetV3.
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

    /// <summary>Reads the two layers for a map with the given number of channels.</summary>
    public static SqueezeExcitation Read(Device device, WeightReader weights, string name, int channels)
    {
        var squeeze = weights.Convolution(name + ".fc1", channels, ConvolutionWindow.Square(), Activation.Relu);
        var excite = weights.Convolution(
            name + ".fc2", squeeze.OutputChannels, ConvolutionWindow.Square(), Activation.HardSigmoid, outputC: channels);
        return new SqueezeExcitation(device, squeeze, excite);
    }

    /// <summary>Returns the input with its channels scaled; the caller disposes the output and keeps the input.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
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
