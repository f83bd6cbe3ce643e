using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The region proposal network's head (paper, section 4.1): one or several 3×3 convolutions with ReLU, then two sibling 1×1
/// convolutions that predict an objectness and four box deltas for each of the A anchors at a location. All levels share one head.
/// The paper finds that sharing costs no accuracy; to test that, a model may also have a separate head for each level.
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

    /// <summary>A description for users.</summary>
    public string Description => $"RPN of {ofLevels[0].Hidden.Length} + 2 convolutions, {AnchorsPerLocation} anchors per location"
        + (ofLevels.Length > 1 ? ", one for each level" : "");

    /// <summary>The number of anchors per location, A.</summary>
    public int AnchorsPerLocation => ofLevels[0].Objectness.OutputChannels;

    /// <summary>The names of the heads in a file: one for all levels, or one for each.</summary>
    /// <param name="weights">The file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>rpn.head</c>.</param>
    /// <returns><c>rpn.head</c>, or <c>rpn.head.0</c>, <c>rpn.head.1</c>, …</returns>
    public static IReadOnlyList<string> Names(WeightReader weights, string name)
        => weights.Count(name + ".") is > 0 and var levels ? [.. Enumerable.Range(0, levels).Select(l => $"{name}.{l}")] : [name];

    /// <summary>Reads the head for a pyramid from a model file.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>rpn.head</c>.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    /// <param name="levels">The number of levels of the pyramid.</param>
    /// <exception cref="WeightsException">
    /// A tensor is missing, the numbers of anchors are inconsistent, or the file has a different number of heads than levels.
    /// </exception>
    public static RpnHead Read(Device device, WeightReader weights, string name, int channels, int levels)
    {
        var names = Names(weights, name);
        if (names.Count > 1 && names.Count != levels)
            throw weights.Error($"'{name}' has heads for {names.Count} levels, but the pyramid has {levels}.");
        var ofLevels = names.Select(own => Layers.Read(weights, own, channels)).ToArray();
        return Array.TrueForAll(ofLevels, l => l.Objectness.OutputChannels == ofLevels[0].Objectness.OutputChannels)
            ? new RpnHead(device, ofLevels)
            : throw weights.Error($"the heads of '{name}' have different numbers of anchors.");
    }

    /// <summary>Runs the head on every level; the caller disposes the output.</summary>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, d].</param>
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
