using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// RetinaNet's two subnets (Lin et al., Focal Loss for Dense Object Detection, figure 3), shared by all levels. Each is a tower of 3×3
/// convolutions with ReLU and a last 3×3 convolution without. One predicts a logit per class for each of the A anchors at a location,
/// the other four box deltas for each anchor.
/// </summary>
internal sealed class RetinaHead
{
    private readonly TowerLayer[] classTower;
    private readonly ConvolutionLayer logits;
    private readonly TowerLayer[] boxTower;
    private readonly ConvolutionLayer deltas;
    private readonly bool hasNorms;

    /// <summary>Defines the head, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>head</c>.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    public RetinaHead(LayerSet layers, string name, RetinaHeadLayout layout, int channels)
    {
        AnchorsPerLocation = layout.Anchors;
        Classes = layout.Classes;
        hasNorms = layout.HasNorms;
        classTower = Tower(name + ".classification_head.conv", layout.ClassTower);
        logits = new ConvolutionLayer(
            layers, name + ".classification_head.cls_logits", layout.ClassTower[^1], layout.Anchors * layout.Classes,
            ConvolutionWindow.Square(padding: 1), Activation.None, initial: Initial.Small, initialBias: Initial.RareLogit);
        boxTower = Tower(name + ".regression_head.conv", layout.BoxTower);
        deltas = new ConvolutionLayer(
            layers, name + ".regression_head.bbox_reg", layout.BoxTower[^1], 4 * layout.Anchors, ConvolutionWindow.Square(padding: 1),
            Activation.None, initial: Initial.Small);

        TowerLayer[] Tower(string own, int[] outputs) => [.. outputs.Select((outputC, i) =>
            new TowerLayer(layers, $"{own}.{i}", i == 0 ? channels : outputs[i - 1], outputC, layout.HasNorms))];
    }

    /// <summary>A description for users.</summary>
    public string Description
        => $"two towers of {classTower.Length} + 1 convolutions{(hasNorms ? " with group norm" : "")}, "
            + $"{AnchorsPerLocation} anchors per location";

    /// <summary>The number of anchors per location, A.</summary>
    public int AnchorsPerLocation { get; }

    /// <summary>The number of classes; the background is not one of them.</summary>
    public int Classes { get; }

    /// <summary>Runs both subnets on every level; the caller disposes the output.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, d].</param>
    public RetinaOutput Run(Tape tape, FeatureMaps pyramid)
    {
        var output = new RetinaOutput(
            tape.NewMaps(pyramid.Finest, [.. pyramid.Shapes.Select(s => s with { C = logits.OutputC })]),
            tape.NewMaps(pyramid.Finest, [.. pyramid.Shapes.Select(s => s with { C = deltas.OutputC })]));
        for (var l = pyramid.Finest; l <= pyramid.Coarsest; l++)
        {
            using (var features = classTower.RunAll(tape, pyramid[l]))
                output.Logits[l] = logits.Run(tape, features, residual: null, into: output.Logits.Memory(l));
            using (var features = boxTower.RunAll(tape, pyramid[l]))
                output.Deltas[l] = deltas.Run(tape, features, residual: null, into: output.Deltas.Memory(l));
        }
        return output;
    }
}

/// <summary>The sizes of a RetinaNet head's layers.</summary>
/// <param name="ClassTower">Channels of the convolutions before the logits.</param>
/// <param name="BoxTower">Channels of the convolutions before the deltas.</param>
/// <param name="HasNorms">Whether a group norm follows each of them.</param>
/// <param name="Anchors">The number of anchors per location, A.</param>
/// <param name="Classes">The number of classes; the background is not one of them.</param>
internal sealed record RetinaHeadLayout(int[] ClassTower, int[] BoxTower, bool HasNorms, int Anchors, int Classes)
{
    /// <summary>Reads the layout of a model file.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>head</c>.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, or the two subnets have different numbers of anchors.</exception>
    public static RetinaHeadLayout Read(WeightReader weights, string name)
    {
        var (logits, deltas) = (weights.OutputC(name + ".classification_head.cls_logits"), weights.OutputC(name + ".regression_head.bbox_reg"));
        if (deltas % 4 != 0 || logits % (deltas / 4) != 0)
        {
            throw weights.Error(
                $"the tensor '{name}.classification_head.cls_logits.weight' has {logits} outputs, which "
                + $"do not fit the anchors of '{name}.regression_head.bbox_reg.weight' with its {deltas} outputs.");
        }
        var classTower = name + ".classification_head.conv.";
        var hasNorms = weights.HasAny(classTower + "0.1.");
        var layout = new RetinaHeadLayout(
            weights.OutputsOfSequence(classTower), weights.OutputsOfSequence(name + ".regression_head.conv."), hasNorms, deltas / 4,
            logits / (deltas / 4));
        foreach (var outputC in layout.ClassTower.Concat(layout.BoxTower))
        {
            if (hasNorms && outputC % GroupNormLayer.Groups != 0)
                throw weights.Error($"the {outputC} outputs of '{classTower}' can't be split into {GroupNormLayer.Groups} groups.");
        }
        return layout;
    }
}

/// <summary>RetinaNet's predictions for every anchor.</summary>
/// <param name="Logits">The logits of each level, [N, Hl, Wl, A · classes].</param>
/// <param name="Deltas">The deltas of each level, [N, Hl, Wl, 4 · A].</param>
internal sealed record RetinaOutput(FeatureMaps Logits, FeatureMaps Deltas) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Logits.Dispose();
        Deltas.Dispose();
    }
}
