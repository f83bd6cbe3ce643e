using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// One layer of RetinaNet's towers: a 3×3 convolution and ReLU. torchvision's second generation of models has a group norm between
/// them.
/// </summary>
internal sealed class TowerLayer : ILayer
{
    private readonly ConvolutionLayer convolution;
    private readonly GroupNormLayer? norm;

    /// <summary>Defines a layer, and adds it to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">Its name, for example <c>head.classification_head.conv.0</c>.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="outputC">Channels of its output.</param>
    /// <param name="hasNorm">Whether there is a group norm.</param>
    public TowerLayer(LayerSet layers, string name, int inputC, int outputC, bool hasNorm)
    {
        convolution = new ConvolutionLayer(
            layers, name + ".0", inputC, outputC, ConvolutionWindow.Square(padding: 1), hasNorm ? Activation.None : Activation.Relu,
            hasBias: !hasNorm, initial: Initial.Small);
        norm = hasNorm ? new GroupNormLayer(layers, name + ".1", outputC, Activation.Relu) : null;
    }

    /// <inheritdoc/>
    public Variable Run(Tape tape, Variable x)
    {
        if (norm is null)
            return convolution.Run(tape, x);
        using var convolved = convolution.Run(tape, x);
        return norm.Run(tape, convolved);
    }
}
