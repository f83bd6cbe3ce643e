using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// A residual block (He et al., Deep Residual Learning, figure 5): <c>out = relu(F(in) + shortcut(in))</c>. F is two 3×3
/// convolutions (basic), or 1×1, 3×3, 1×1 convolutions (bottleneck). The shortcut is the input itself, or a 1×1 convolution of it
/// where the stride or the channels change. The sum and the ReLU run in the epilogue of the last convolution.
/// </summary>
internal sealed class ResidualBlock : ILayer
{
    private readonly ConvolutionLayer[] convolutions;
    private readonly ConvolutionLayer? shortcut;

    /// <summary>Defines a block, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The block's name, for example <c>backbone.body.layer1.0</c>.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="stride">The block's stride, in px of its input.</param>
    public ResidualBlock(LayerSet layers, string name, int inputC, BlockLayout layout, int stride)
    {
        var (middleC, outputC) = (layout.MiddleC, layout.OutputC);
        var (firstStride, middleStride) = layout.StrideInFirst ? (stride, 1) : (1, stride);
        convolutions = layout.IsBottleneck
            ?
            [
                Layer(1, inputC, middleC, ConvolutionWindow.Square(firstStride)),
                Layer(2, middleC, middleC, ConvolutionWindow.Square(middleStride, padding: 1, groups: layout.ChannelGroups)),
                Layer(3, middleC, outputC, ConvolutionWindow.Square()),
            ]
            :
            [
                Layer(1, inputC, middleC, ConvolutionWindow.Square(stride, padding: 1)),
                Layer(2, middleC, outputC, ConvolutionWindow.Square(padding: 1)),
            ];
        if (layout.HasShortcut)
        {
            shortcut = new ConvolutionLayer(
                layers, name + ".downsample.0", inputC, outputC, ConvolutionWindow.Square(stride), Activation.None, name + ".downsample.1");
        }

        ConvolutionLayer Layer(int number, int from, int to, ConvolutionWindow window)
            => new(layers, $"{name}.conv{number}", from, to, window, Activation.Relu, $"{name}.bn{number}");
    }

    /// <summary>Runs the block; the caller disposes the output and keeps the input.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="input">The input, [N, H, W, C].</param>
    public Variable Run(Tape tape, Variable input)
    {
        using var projected = shortcut?.Run(tape, input);
        using var x = convolutions[..^1].RunAll(tape, input);
        return convolutions[^1].Run(tape, x, residual: projected ?? input);
    }
}
