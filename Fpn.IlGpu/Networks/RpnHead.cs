using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The region proposal network's head (paper, section 4.1), the same on every level: a 3×3 convolution with ReLU (or
/// several), then two sibling 1×1: a score and four box deltas for each of the A anchors at a position.
/// </summary>
internal sealed class RpnHead : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionLayer[] hidden;
    private readonly ConvolutionLayer objectness;
    private readonly ConvolutionLayer deltas;

    private RpnHead(Device device, ConvolutionLayer[] hidden, ConvolutionLayer objectness, ConvolutionLayer deltas)
    {
        this.device = device;
        this.hidden = hidden;
        this.objectness = objectness;
        this.deltas = deltas;
    }

    /// <summary>What it is, for people.</summary>
    public string Description => $"RPN of {hidden.Length} + 2 convolutions, {AnchorsPerLocation} anchors a position";

    /// <summary>A.</summary>
    public int AnchorsPerLocation => objectness.OutputChannels;

    /// <summary>Reads one for a pyramid.</summary>
    /// <param name="device">Where its weights go.</param>
    /// <param name="weights">Where from.</param>
    /// <param name="name">What its tensors' names begin with: <c>rpn.head</c>.</param>
    /// <param name="channels">d.</param>
    /// <exception cref="WeightsException">Something is missing, or scores and deltas are for different numbers of anchors.</exception>
    public static RpnHead Read(Device device, WeightReader weights, string name, int channels)
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
            ? new RpnHead(device, hidden, objectness, deltas)
            : throw weights.Error(
                $"the tensor '{name}.bbox_pred.weight' has {deltas.OutputChannels} outputs "
                + $"where {objectness.OutputChannels} anchors need {4 * objectness.OutputChannels}.");
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
            using var features = hidden.RunAll(pyramid[l]);
            objectness.Run(features, null, output.Objectness[l]);
            deltas.Run(features, null, output.Deltas[l]);
        }
        return output;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in hidden)
            layer.Dispose();
        objectness.Dispose();
        deltas.Dispose();
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
