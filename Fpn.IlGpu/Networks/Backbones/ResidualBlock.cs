using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// A residual block (He et al., Deep Residual Learning, figure 5): <c>out = relu(F(in) + shortcut(in))</c>. F is two 3×3
/// convolutions (basic), or 1×1, 3×3, 1×1 convolutions (bottleneck). The shortcut is the input itself, or a 1×1 convolution of it
/// where the stride or the channels change. The sum and the ReLU run in the epilogue of the last convolution.
/// </summary>
internal sealed class ResidualBlock : IDisposable
{
    private readonly ConvolutionLayer[] layers;
    private readonly ConvolutionLayer? shortcut;

    private ResidualBlock(ConvolutionLayer[] layers, ConvolutionLayer? shortcut, int groups)
    {
        Groups = groups;
        this.layers = layers;
        this.shortcut = shortcut;
    }

    /// <summary>Whether the block has 1×1, 3×3, 1×1 convolutions rather than two 3×3.</summary>
    public bool IsBottleneck => layers.Length == 3;

    /// <summary>The channel groups of the bottleneck's 3×3 convolution; 1 for a basic block.</summary>
    public int Groups { get; }

    /// <summary>Channels of the output.</summary>
    public int OutputChannels => layers[^1].OutputChannels;

    /// <summary>Reads a block; it is a bottleneck if it has a third convolution.</summary>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The block's name, for example <c>backbone.body.layer1.0</c>.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="stride">The block's stride, in px of its input.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1 (the paper) or its 3×3 (torchvision).</param>
    public static ResidualBlock Read(WeightReader weights, string name, int inputC, int stride, bool strideInFirst)
    {
        var middleC = weights.Size(name + ".conv1.weight", 0, 4);
        var isBottleneck = weights.HasAny(name + ".conv3.") || weights.HasAny(name + ".bn3.");
        var outputC = isBottleneck ? weights.Size(name + ".conv3.weight", 0, 4) : weights.Size(name + ".conv2.weight", 0, 4);
        var needsShortcut = stride != 1 || inputC != outputC || weights.HasAny(name + ".downsample.");
        var shortcut = needsShortcut
            ? weights.Convolution(
                name + ".downsample.0", inputC, ConvolutionWindow.Square(stride), Activation.None, name + ".downsample.1", outputC)
            : null;
        if (!isBottleneck)
        {
            return new ResidualBlock(
                [
                    weights.Convolution(
                        name + ".conv1", inputC, ConvolutionWindow.Square(stride, padding: 1), Activation.Relu, name + ".bn1"),
                    weights.Convolution(name + ".conv2", middleC, ConvolutionWindow.Square(padding: 1), Activation.Relu, name + ".bn2"),
                ],
                shortcut, groups: 1);
        }

        // ResNeXt: each output channel of the 3×3 sees only its group's inputs.
        var groups = Math.Max(1, middleC / Math.Max(1, weights.Size(name + ".conv2.weight", 1, 4)));
        var (firstStride, middleStride) = strideInFirst ? (stride, 1) : (1, stride);
        var middle = ConvolutionWindow.Square(middleStride, padding: 1, groups: groups);
        return new ResidualBlock(
            [
                weights.Convolution(name + ".conv1", inputC, ConvolutionWindow.Square(firstStride), Activation.Relu, name + ".bn1"),
                weights.Convolution(name + ".conv2", middleC, middle, Activation.Relu, name + ".bn2", middleC),
                weights.Convolution(name + ".conv3", middleC, ConvolutionWindow.Square(), Activation.Relu, name + ".bn3"),
            ],
            shortcut, groups);
    }

    /// <summary>Runs the block; the caller disposes the output and keeps the input.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
    public Tensor Run(Tensor input)
    {
        using var projected = shortcut?.Run(input);
        var x = input;
        for (var i = 0; i < layers.Length - 1; i++)
        {
            var next = layers[i].Run(x);
            if (i > 0)
                x.Dispose();
            x = next;
        }
        var output = layers[^1].Run(x, residual: projected ?? input);
        x.Dispose();
        return output;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        shortcut?.Dispose();
        foreach (var layer in layers)
            layer.Dispose();
    }
}
