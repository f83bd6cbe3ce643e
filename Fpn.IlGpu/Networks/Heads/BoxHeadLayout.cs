namespace Fpn.IlGpu.Networks;

/// <summary>The sizes of a box head's layers.</summary>
/// <param name="Stage">The blocks of a <see cref="StageHead"/>; null for the others.</param>
/// <param name="Convolutions">Channels of the convolutions before the fully connected layers.</param>
/// <param name="HasNorms">Whether a batch norm follows each convolution.</param>
/// <param name="Hidden">Channels of the hidden fully connected layers.</param>
/// <param name="Bins">The side of a RoI's features, in bins.</param>
/// <param name="Classes">The number of classes, including the background.</param>
/// <param name="Deltas">The number of deltas: four for each class, or for each but the background if it comes last.</param>
internal sealed record BoxHeadLayout(
    BlockLayout[]? Stage, int[] Convolutions, bool HasNorms, int[] Hidden, int Bins, int Classes, int Deltas)
{
    /// <summary>The side of a RoI's features for all heads but <see cref="StageHead"/>, in bins (paper, section 4.2).</summary>
    public const int UsualBins = 7;

    /// <summary>Reads the layout of a model file.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>roi_heads</c>.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    /// <param name="backgroundLast">Whether the background is the last class; if so, it needs no box deltas.</param>
    /// <param name="strideInFirst">For a <see cref="StageHead"/>, whether a bottleneck's stride is in its first 1×1.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, or the shapes are inconsistent.</exception>
    public static BoxHeadLayout Read(WeightReader weights, string name, int channels, bool backgroundLast, bool strideInFirst)
    {
        var head = name + ".box_head";
        var classes = weights.OutputC(name + ".box_predictor.cls_score", rank: 2);
        var deltas = weights.OutputC(name + ".box_predictor.bbox_pred", rank: 2);
        if (deltas != 4 * classes && !(backgroundLast && deltas == 4 * (classes - 1)))
        {
            throw weights.Error(
                $"the tensor '{name}.box_predictor.bbox_pred.weight' has {deltas} outputs where {classes} classes need {4 * classes}.");
        }
        if (weights.HasAny(StageHead.Name(head)))
        {
            var stage = BlockLayout.ReadStage(weights, StageHead.Name(head), ref channels, stride: 2, strideInFirst);
            return new BoxHeadLayout(stage, [], HasNorms: false, [], StageHead.Bins, classes, deltas);
        }
        // The last two layers of a sequence with convolutions are a flattening one without weights and a fully connected one.
        var count = weights.HasAny(head + ".fc6.") ? 0 : Math.Max(0, weights.Count(head + ".") - 2);
        int[] convolutions = [.. Enumerable.Range(0, count).Select(i => weights.OutputC($"{head}.{i}.0"))];
        var names = HiddenNames(count);
        var inputs = weights.Size($"{head}.{names[0]}.weight", 1, 2);
        var bins = Math.Max(1, (int)Math.Round(Math.Sqrt(inputs / (double)(count == 0 ? channels : convolutions[^1]))));
        return new BoxHeadLayout(
            null, convolutions, weights.HasAny(head + ".0.1."), [.. names.Select(own => weights.OutputC($"{head}.{own}", rank: 2))], bins,
            classes, deltas);
    }

    /// <summary>The names of the hidden fully connected layers: PyTorch counts the flattening that comes before them.</summary>
    /// <param name="convolutions">The number of convolutions before them.</param>
    public static string[] HiddenNames(int convolutions) => convolutions == 0 ? ["fc6", "fc7"] : [$"{convolutions + 1}"];
}
