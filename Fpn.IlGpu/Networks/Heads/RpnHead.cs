using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The region proposal network's head (paper, section 4.1): a 3×3 convolution with ReLU (or several), then two sibling 1×1: a
/// score and four box deltas for each of the A anchors at a position. It is the same on every level; that this costs nothing is
/// a finding of the paper, for which there may also be one of its own for each level.
/// </summary>
internal sealed class RpnHead : IDisposable
{
    private readonly Device device;
    private readonly Layers[] ofLevels;

    private RpnHead(Device device, Layers[] ofLevels)
    {
        this.device = device;
        this.ofLevels = ofLevels;
    }

    /// <summary>What it is, for people.</summary>
    public string Description => $"RPN of {ofLevels[0].Hidden.Length} + 2 convolutions, {AnchorsPerLocation} anchors a position"
        + (ofLevels.Length > 1 ? ", one for each level" : "");

    /// <summary>A.</summary>
    public int AnchorsPerLocation => ofLevels[0].Objectness.OutputChannels;

    /// <summary>The names of the heads in a file: one for all levels, or one for each.</summary>
    /// <param name="weights">The file.</param>
    /// <param name="name">What its tensors' names begin with: <c>rpn.head</c>.</param>
    /// <returns><c>rpn.head</c>, or <c>rpn.head.0</c>, <c>rpn.head.1</c>, …</returns>
    public static IReadOnlyList<string> Names(WeightReader weights, string name)
        => weights.Count(name + ".") is > 0 and var levels ? [.. Enumerable.Range(0, levels).Select(l => $"{name}.{l}")] : [name];

    /// <summary>Reads one for a pyramid.</summary>
    /// <param name="device">Where its weights go.</param>
    /// <param name="weights">Where from.</param>
    /// <param name="name">What its tensors' names begin with: <c>rpn.head</c>.</param>
    /// <param name="channels">d.</param>
    /// <param name="levels">Of the pyramid.</param>
    /// <exception cref="WeightsException">Something is missing, or scores and deltas are for different numbers of anchors.</exception>
    public static RpnHead Read(Device device, WeightReader weights, string name, int channels, int levels)
    {
        var names = Names(weights, name);
        if (names.Count > 1 && names.Count != levels)
            throw weights.Error($"'{name}' has heads for {names.Count} levels, but the pyramid has {levels}.");
        var ofLevels = names.Select(own => Layers.Read(weights, own, channels)).ToArray();
        return Array.TrueForAll(ofLevels, l => l.Objectness.OutputChannels == ofLevels[0].Objectness.OutputChannels)
            ? new RpnHead(device, ofLevels)
            : throw weights.Error($"the heads of '{name}' are for different numbers of anchors.");
    }

    /// <summary>Runs it on every level.</summary>
    /// <param name="pyramid">[N, Hl, Wl, d].</param>
    public RpnOutput Run(FeatureMaps pyramid)
    {
        var shapes = pyramid.Shapes;
        var output = new RpnOutput(
            new FeatureMaps(device, [.. shapes.Select(s => s with { C = AnchorsPerLocation })]),
            new FeatureMaps(device, [.. shapes.Select(s => s with { C = 4 * AnchorsPerLocation })]));
        for (var l = 0; l < pyramid.Count; l++)
        {
            var layers = ofLevels[ofLevels.Length == 1 ? 0 : l];
            using var features = layers.Hidden.RunAll(pyramid[l]);
            layers.Objectness.Run(features, null, output.Objectness[l]);
            layers.Deltas.Run(features, null, output.Deltas[l]);
        }
        return output;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layers in ofLevels)
            layers.Dispose();
    }

    private sealed record Layers(ConvolutionLayer[] Hidden, ConvolutionLayer Objectness, ConvolutionLayer Deltas) : IDisposable
    {
        public static Layers Read(WeightReader weights, string name, int channels)
        {
            var hidden = new ConvolutionLayer[Math.Max(1, weights.Count(name + ".conv."))];
            for (var i = 0; i < hidden.Length; i++)
            {
                hidden[i] = weights.Normalised($"{name}.conv.{i}", channels, ConvolutionWindow.Square(padding: 1), Activation.Relu);
                channels = hidden[i].OutputChannels;
            }
            var objectness = weights.Convolution(name + ".cls_logits", channels, ConvolutionWindow.Square(), Activation.None);
            var deltas = weights.Convolution(name + ".bbox_pred", channels, ConvolutionWindow.Square(), Activation.None);
            return deltas.OutputChannels == 4 * objectness.OutputChannels
                ? new Layers(hidden, objectness, deltas)
                : throw weights.Error(
                    $"the tensor '{name}.bbox_pred.weight' has {deltas.OutputChannels} outputs "
                    + $"where {objectness.OutputChannels} anchors need {4 * objectness.OutputChannels}.");
        }

        public void Dispose()
        {
            foreach (var layer in Hidden)
                layer.Dispose();
            Objectness.Dispose();
            Deltas.Dispose();
        }
    }
}

/// <summary>What the RPN says of every anchor.</summary>
/// <param name="Objectness">Logits [N, Hl, Wl, A] of each level.</param>
/// <param name="Deltas">[N, Hl, Wl, 4 · A] of each level.</param>
internal sealed record RpnOutput(FeatureMaps Objectness, FeatureMaps Deltas) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Objectness.Dispose();
        Deltas.Dispose();
    }
}
