using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// MobileNet's block (MobileNetV3, figure 4): a 1×1 convolution expands the channels, a depthwise convolution filters each channel,
/// squeeze-and-excitation scales them, and a 1×1 convolution without activation projects them to fewer channels. The input is added
/// if the shapes match. Some blocks have no expansion or no squeeze-and-excitation.
/// </summary>
internal sealed class InvertedResidual : ILayer
{
    private readonly ConvolutionLayer? expansion;
    private readonly ConvolutionLayer depthwise;
    private readonly SqueezeExcitation? excitation;
    private readonly ConvolutionLayer projection;
    private readonly bool addsInput;

    /// <summary>Defines a block, and adds its layers to a network. Its parts are numbered in order.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The block's name, for example <c>backbone.body.4.block</c>.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="stride">The stride of the depthwise convolution, in px.</param>
    /// <param name="style">Its activations.</param>
    public InvertedResidual(
        LayerSet layers, string name, int inputC, InvertedResidualLayout layout, int stride, InvertedResidualStyle style)
    {
        var part = 0;
        var channels = layout.ExpandedC ?? inputC;
        if (layout.ExpandedC is not null)
            expansion = Normalised(inputC, channels, ConvolutionWindow.Square(), style.Activation);
        depthwise = Normalised(
            channels, channels, ConvolutionWindow.Square(stride, padding: layout.Kernel / 2, groups: channels), style.Activation);
        if (layout.SqueezedC is { } squeezedC)
            excitation = new SqueezeExcitation(layers, $"{name}.{part++}", channels, squeezedC, style.Squeeze, style.Gate);
        projection = Normalised(channels, layout.OutputC, ConvolutionWindow.Square(), Activation.None);
        addsInput = stride == 1 && layout.OutputC == inputC;

        ConvolutionLayer Normalised(int from, int to, ConvolutionWindow window, Activation activation)
        {
            var own = $"{name}.{part++}";
            return new ConvolutionLayer(layers, own + ".0", from, to, window, activation, own + ".1");
        }
    }

    /// <summary>Runs the block; the caller disposes the output and keeps the input.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="x">The input, [N, H, W, C].</param>
    public Variable Run(Tape tape, Variable x)
    {
        using var wide = expansion?.Run(tape, x);
        using var filtered = depthwise.Run(tape, wide ?? x);
        using var scaled = excitation?.Run(tape, filtered);
        return projection.Run(tape, scaled ?? filtered, residual: addsInput ? x : null);
    }
}

/// <summary>The sizes of an inverted residual block.</summary>
/// <param name="ExpandedC">Channels after the expansion; null if there is none.</param>
/// <param name="Kernel">The side of the depthwise convolution's window, in px.</param>
/// <param name="SqueezedC">Channels of the squeeze; null without squeeze-and-excitation.</param>
/// <param name="OutputC">Channels of the output.</param>
internal sealed record InvertedResidualLayout(int? ExpandedC, int Kernel, int? SqueezedC, int OutputC)
{
    private const int LargestKernel = 11;

    /// <summary>Reads the layout of a block; its parts are numbered in order, and their shapes and names tell them apart.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The block's name.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, or the window is too large.</exception>
    public static InvertedResidualLayout Read(WeightReader weights, string name)
    {
        var part = 0;
        int? expandedC = weights.Size($"{name}.0.0.weight", 2, 4) == 1 ? weights.OutputC($"{name}.{part++}.0") : null;
        var kernel = weights.Size($"{name}.{part}.0.weight", 2, 4);
        if (kernel > LargestKernel)
            throw weights.Error($"the tensor '{name}.{part}.0.weight' has a window of {kernel} px, but the limit is {LargestKernel} px.");
        part++;
        int? squeezedC = weights.HasAny($"{name}.{part}.fc1.") ? weights.OutputC($"{name}.{part++}.fc1") : null;
        return new InvertedResidualLayout(expandedC, kernel, squeezedC, weights.OutputC($"{name}.{part}.0"));
    }
}

/// <summary>The activations of inverted residual blocks.</summary>
/// <param name="Activation">That of the first two convolutions.</param>
/// <param name="Squeeze">That of the squeeze.</param>
/// <param name="Gate">That of the excitation, with values between 0 and 1.</param>
internal sealed record InvertedResidualStyle(Activation Activation, Activation Squeeze, Activation Gate);
