using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Training;

/// <summary><see cref="Networks.ResidualBlock"/> on a tape, with the same tensors: <c>out = relu(F(in) + shortcut(in))</c>.</summary>
internal sealed class TrainableBlock : IDisposable
{
    private readonly TrainableConvolution[] layers;
    private readonly TrainableConvolution? shortcut;

    /// <summary>Reads a block; it is a bottleneck if it has a third convolution.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The block's name, for example <c>backbone.body.layer1.0</c>.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="stride">The block's stride, in px of its input.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1 or its 3×3.</param>
    /// <param name="training">Which parts are trained.</param>
    public TrainableBlock(
        ParameterSet parameters, string name, int inputC, int stride, bool strideInFirst, LayerTraining training)
    {
        var source = parameters.Source;
        var middleC = source.Size(name + ".conv1.weight", 0, 4);
        if (!source.HasAny(name + ".conv3."))
        {
            layers = [Layer(1, inputC, stride, padding: 1), Layer(2, middleC, stride: 1, padding: 1)];
        }
        else
        {
            var groups = Math.Max(1, middleC / source.Size(name + ".conv2.weight", 1, 4));
            layers =
            [
                Layer(1, inputC, strideInFirst ? stride : 1, padding: 0),
                Layer(2, middleC, strideInFirst ? 1 : stride, padding: 1, groups),
                Layer(3, middleC, stride: 1, padding: 0),
            ];
        }
        if (stride != 1 || inputC != OutputC || source.HasAny(name + ".downsample."))
        {
            shortcut = TrainableConvolution.Read(
                parameters, name + ".downsample.0", inputC, ConvolutionWindow.Square(stride), name + ".downsample.1", training);
        }

        TrainableConvolution Layer(int number, int channels, int stride, int padding, int groups = 1)
            => TrainableConvolution.Read(
                parameters, $"{name}.conv{number}", channels, ConvolutionWindow.Square(stride, padding, groups: groups),
                $"{name}.bn{number}", training);
    }

    /// <summary>Channels of the output.</summary>
    public int OutputC => layers[^1].OutputC;

    /// <summary>Runs the block; the caller disposes the output and keeps the input.</summary>
    /// <param name="tape">The tape to record on.</param>
    /// <param name="input">The input, [N, H, W, C].</param>
    public Variable Run(Tape tape, Variable input)
    {
        using var projected = shortcut is null ? null : tape.Convolution(input, shortcut, Activation.None);
        var x = input;
        foreach (var layer in layers[..^1])
        {
            var next = tape.Convolution(x, layer, Activation.Relu);
            if (x != input)
                x.Dispose();
            x = next;
        }
        var output = tape.Convolution(x, layers[^1], Activation.Relu, residual: projected ?? input);
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
