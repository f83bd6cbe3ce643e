using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>How a pyramid's levels above the backbone's top map are computed.</summary>
internal enum ExtraLevelsKind
{
    /// <summary>P6 is P5 subsampled by 2 (paper, section 4.1).</summary>
    Subsampled,

    /// <summary>P6 and P7 are convolutions, beginning at C5 (RetinaNet).</summary>
    ConvolvedFromTopMap,

    /// <summary>P6 and P7 are convolutions, beginning at P5 (torchvision's second RetinaNet).</summary>
    ConvolvedFromPyramid,
}

/// <summary>
/// The pyramid's levels above the backbone's top map, each half the size of the previous one:
/// <code>
/// P6 = P5 subsampled by 2                                     FPN (paper, section 4.1)
/// P6 = conv3×3, stride 2 (C5 or P5)    P7 = conv3×3, stride 2 (relu(P6))    RetinaNet (Lin et al., section 4)
/// </code>
/// </summary>
internal sealed class ExtraLevels
{
    private readonly ConvolutionLayer? p6;
    private readonly ConvolutionLayer? p7;
    private readonly bool fromPyramid;

    /// <summary>Defines the levels, and adds their layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of the tensors' names: <c>backbone.fpn.extra_blocks</c>.</param>
    /// <param name="kind">How they are computed.</param>
    /// <param name="topC">Channels of the backbone's top map.</param>
    /// <param name="pyramidC">Channels of the pyramid, d.</param>
    public ExtraLevels(LayerSet layers, string name, ExtraLevelsKind kind, int topC, int pyramidC)
    {
        fromPyramid = kind != ExtraLevelsKind.ConvolvedFromTopMap;
        if (kind == ExtraLevelsKind.Subsampled)
            return;
        var window = ConvolutionWindow.Square(stride: 2, padding: 1);
        p6 = new ConvolutionLayer(
            layers, name + ".p6", fromPyramid ? pyramidC : topC, pyramidC, window, Activation.None, initial: Initial.KaimingUniform);
        p7 = new ConvolutionLayer(layers, name + ".p7", pyramidC, pyramidC, window, Activation.None, initial: Initial.KaimingUniform);
    }

    /// <summary>A description for users.</summary>
    public string Description => p6 is null
        ? "the last by subsampling"
        : $"the last two by convolution, from {(fromPyramid ? "the level below" : "the top map")}";

    /// <summary>The number of extra levels: 2 for RetinaNet, otherwise 1.</summary>
    public int Count => p6 is null ? 1 : 2;

    /// <summary>
    /// Reads how a model file's levels are computed. RetinaNet's paper computes P6 from C5; other models compute it from P5. As in
    /// torchvision, the channels of the P6 convolution tell which: if it has as many input as output channels, its input is P5.
    /// </summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names.</param>
    /// <param name="pyramidC">Channels of the pyramid, d.</param>
    public static ExtraLevelsKind ReadKind(WeightReader weights, string name, int pyramidC)
        => !weights.HasAny(name + ".") ? ExtraLevelsKind.Subsampled
            : weights.Size(name + ".p6.weight", 1, 4) == pyramidC ? ExtraLevelsKind.ConvolvedFromPyramid
            : ExtraLevelsKind.ConvolvedFromTopMap;

    /// <summary>The shapes of the extra levels.</summary>
    public IEnumerable<Shape> OutputShapes(Shape topMap, Shape topLevel)
    {
        if (p6 is null || p7 is null)
            return [MaxPool.OutputShape(topLevel, kernel: 1, stride: 2, padding: 0)];
        var shape = p6.OutputShape(fromPyramid ? topLevel : topMap);
        return [shape, p7.OutputShape(shape)];
    }

    /// <summary>Computes the extra levels.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="topMap">The backbone's top map, C5, [N, H, W, C].</param>
    /// <param name="pyramid">The pyramid; it holds the level below and receives the extra levels.</param>
    /// <param name="top">The number of the level below: 5.</param>
    public void Run(Tape tape, Variable topMap, FeatureMaps pyramid, int top)
    {
        if (p6 is null || p7 is null)
        {
            pyramid[top + 1] = tape.MaxPool(pyramid[top], kernel: 1, stride: 2, padding: 0, pyramid.Memory(top + 1));
            return;
        }
        pyramid[top + 1] = p6.Run(tape, fromPyramid ? pyramid[top] : topMap, residual: null, into: pyramid.Memory(top + 1));
        using var positive = tape.Activate(pyramid[top + 1], Activation.Relu);
        pyramid[top + 2] = p7.Run(tape, positive, residual: null, into: pyramid.Memory(top + 2));
    }
}
