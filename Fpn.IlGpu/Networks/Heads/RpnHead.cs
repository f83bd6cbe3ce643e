using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The region proposal network's head (paper, section 4.1): one or several 3×3 convolutions with ReLU, then two sibling 1×1
/// convolutions that predict an objectness and four box deltas for each of the A anchors at a location. All levels share one head.
/// The paper finds that sharing costs no accuracy; to test that, a model may also have a separate head for each level.
/// </summary>
internal sealed class RpnHead
{
    private readonly Layers[] ofLevels;

    /// <summary>Defines the head, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>rpn.head</c>.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    public RpnHead(LayerSet layers, string name, RpnHeadLayout layout, int channels)
    {
        AnchorsPerLocation = layout.Anchors;
        ofLevels = layout.SeparateLevels is { } levels
            ? [.. Enumerable.Range(0, levels).Select(l => new Layers(layers, $"{name}.{l}", layout, channels))]
            : [new Layers(layers, name, layout, channels)];
    }

    /// <summary>A description for users.</summary>
    public string Description => $"RPN of {ofLevels[0].Hidden.Length} + 2 convolutions, {AnchorsPerLocation} anchors per location"
        + (ofLevels.Length > 1 ? ", one for each level" : "");

    /// <summary>The number of anchors per location, A.</summary>
    public int AnchorsPerLocation { get; }

    /// <summary>Runs the head on every level; the caller disposes the output.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, d].</param>
    public RpnOutput Run(Tape tape, FeatureMaps pyramid)
    {
        var output = new RpnOutput(
            tape.NewMaps(pyramid.Finest, [.. pyramid.Shapes.Select(s => s with { C = AnchorsPerLocation })]),
            tape.NewMaps(pyramid.Finest, [.. pyramid.Shapes.Select(s => s with { C = 4 * AnchorsPerLocation })]));
        for (var l = pyramid.Finest; l <= pyramid.Coarsest; l++)
        {
            var layers = ofLevels[ofLevels.Length == 1 ? 0 : l - pyramid.Finest];
            using var features = layers.Hidden.RunAll(tape, pyramid[l]);
            output.Objectness[l] = layers.Objectness.Run(tape, features, residual: null, into: output.Objectness.Memory(l));
            output.Deltas[l] = layers.Deltas.Run(tape, features, residual: null, into: output.Deltas.Memory(l));
        }
        return output;
    }

    private sealed class Layers
    {
        public Layers(LayerSet layers, string name, RpnHeadLayout layout, int channels)
        {
            Hidden = new ConvolutionLayer[layout.Hidden.Length];
            for (var i = 0; i < Hidden.Length; i++)
            {
                var own = $"{name}.conv.{i}";
                Hidden[i] = new ConvolutionLayer(
                    layers, own + ".0", channels, layout.Hidden[i], ConvolutionWindow.Square(padding: 1), Activation.Relu,
                    layout.HasNorms ? own + ".1" : null, initial: Initial.Small);
                channels = layout.Hidden[i];
            }
            Objectness = Predictor(name + ".cls_logits", layout.Anchors);
            Deltas = Predictor(name + ".bbox_pred", 4 * layout.Anchors);

            ConvolutionLayer Predictor(string own, int outputC)
                => new(layers, own, channels, outputC, ConvolutionWindow.Square(), Activation.None, initial: Initial.Small);
        }

        public ConvolutionLayer[] Hidden { get; }

        public ConvolutionLayer Objectness { get; }

        public ConvolutionLayer Deltas { get; }
    }
}

/// <summary>The sizes of an RPN head's layers.</summary>
/// <param name="SeparateLevels">The number of levels if each has a head of its own; null if they share one.</param>
/// <param name="Hidden">Channels of the hidden convolutions.</param>
/// <param name="HasNorms">Whether a batch norm follows each hidden convolution.</param>
/// <param name="Anchors">The number of anchors per location, A.</param>
internal sealed record RpnHeadLayout(int? SeparateLevels, int[] Hidden, bool HasNorms, int Anchors)
{
    /// <summary>Reads the layout of a model file.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>rpn.head</c>.</param>
    /// <param name="levels">The number of levels of the pyramid.</param>
    /// <exception cref="Tensors.WeightsException">
    /// A tensor is missing, the numbers of anchors are inconsistent, or the file has a different number of heads than levels.
    /// </exception>
    public static RpnHeadLayout Read(WeightReader weights, string name, int levels)
    {
        int? separate = weights.Count(name + ".") is > 0 and var count ? count : null;
        if (separate > 1 && separate != levels)
            throw weights.Error($"'{name}' has heads for {separate} levels, but the pyramid has {levels}.");
        string[] names = separate is null ? [name] : [.. Enumerable.Range(0, separate.Value).Select(l => $"{name}.{l}")];
        int[] anchors = [.. names.Select(own => AnchorsOf(weights, own))];
        if (anchors.Any(a => a != anchors[0]))
            throw weights.Error($"the heads of '{name}' have different numbers of anchors.");
        return new RpnHeadLayout(
            separate, weights.OutputsOfSequence(names[0] + ".conv."), weights.HasAny(names[0] + ".conv.0.1."), anchors[0]);
    }

    private static int AnchorsOf(WeightReader weights, string name)
    {
        var (objectness, deltas) = (weights.OutputC(name + ".cls_logits"), weights.OutputC(name + ".bbox_pred"));
        return deltas == 4 * objectness
            ? objectness
            : throw weights.Error(
                $"the tensor '{name}.bbox_pred.weight' has {deltas} outputs where {objectness} anchors need {4 * objectness}.");
    }
}

/// <summary>The RPN's predictions for every anchor.</summary>
/// <param name="Objectness">The objectness logits of each level, [N, Hl, Wl, A].</param>
/// <param name="Deltas">The deltas of each level, [N, Hl, Wl, 4 · A].</param>
internal sealed record RpnOutput(FeatureMaps Objectness, FeatureMaps Deltas) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Objectness.Dispose();
        Deltas.Dispose();
    }
}
