using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// MobileNet's block (MobileNetV3, figure 4): a 1×1 convolution expands the channels, a depthwise convolution filters each channel,
/// squeeze-and-excitation scales them, and a 1×1 convolution without activation projects them to fewer channels. The input is added
/// if the shapes match. Some blocks have no expansion or no squeeze-and-excitation.
/// </summary>
internal sealed class InvertedResidual : IDisposable
{
    private const int LargestKernel = 11;

    private readonly ConvolutionLayer? expansion;
    private readonly ConvolutionLayer depthwise;
    private readonly SqueezeExcitation? excitation;
    private readonly ConvolutionLayer projection;
    private readonly bool addsInput;

    private InvertedResidual(
        ConvolutionLayer? expansion, ConvolutionLayer depthwise, SqueezeExcitation? excitation, ConvolutionLayer projection, bool addsInput)
    {
        this.expansion = expansion;
        this.depthwise = depthwise;
        this.excitation = excitation;
        this.projection = projection;
        this.addsInput = addsInput;
    }

    /// <summary>Channels of the output.</summary>
    public int OutputChannels => projection.OutputChannels;

    /// <summary>Reads a block; its parts are numbered in order, and their shapes and names tell them apart.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The block's name, for example <c>backbone.body.4.block</c>.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="stride">The stride of the depthwise convolution, in px.</param>
    /// <param name="activation">The activation of the first two convolutions.</param>
    public static InvertedResidual Read(
        Device device, WeightReader weights, string name, int inputC, int stride, Activation activation)
    {
        var part = 0;
        ConvolutionLayer? expansion = null;
        var channels = inputC;
        if (weights.Size($"{name}.0.0.weight", 2, 4) == 1)
        {
            expansion = weights.Normalised($"{name}.{part++}", inputC, ConvolutionWindow.Square(), activation);
            channels = expansion.OutputChannels;
        }
        var kernel = weights.Size($"{name}.{part}.0.weight", 2, 4);
        if (kernel > LargestKernel)
            throw weights.Error($"the tensor '{name}.{part}.0.weight' has a window of {kernel} px, but the limit is {LargestKernel} px.");
        var window = ConvolutionWindow.Square(stride, padding: kernel / 2, groups: channels);
        var depthwise = weights.Normalised($"{name}.{part++}", channels, window, activation, channels);
        var excitation = weights.HasAny($"{name}.{part}.fc1.")
            ? SqueezeExcitation.Read(device, weights, $"{name}.{part++}", channels)
            : null;
        var projection = weights.Normalised($"{name}.{part}", channels, ConvolutionWindow.Square(), Activation.None);
        return new InvertedResidual(
            expansion, depthwise, excitation, projection, addsInput: stride == 1 && projection.OutputChannels == inputC);
    }

    /// <summary>Runs the block; the caller disposes the output and keeps the input.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
    public Tensor Run(Tensor input)
    {
        using var wide = expansion?.Run(input);
        using var seen = depthwise.Run(wide ?? input);
        using var weighed = excitation?.Run(seen);
        return projection.Run(weighed ?? seen, residual: addsInput ? input : null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        expansion?.Dispose();
        depthwise.Dispose();
        excitation?.Dispose();
        projection.Dispose();
    }
}
