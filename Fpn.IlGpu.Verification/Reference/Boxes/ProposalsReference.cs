namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// torchvision's RegionProposalNetwork.filter_proposals for one picture: on each level, the best anchors by objectness are decoded and
/// clipped, and those with too short a side or too low a score are dropped; NMS runs within each level; the best of all levels are
/// kept.
/// </summary>
internal static class ProposalsReference
{
    // torchvision's value, in px.
    private const float SmallestSide = 1e-3f;

    /// <summary>The proposals, best first, with their level as the class.</summary>
    /// <param name="objectness">The objectness logits, [level][anchor].</param>
    /// <param name="deltas">The deltas, [level][anchor · 4].</param>
    /// <param name="anchors">The anchors, [level][anchor · 4], in px.</param>
    /// <param name="height">The height of the picture, in px.</param>
    /// <param name="width">The width of the picture, in px.</param>
    /// <param name="before">The most proposals per level before NMS.</param>
    /// <param name="after">The most proposals of the picture after NMS.</param>
    /// <param name="nmsThreshold">The IoU threshold of NMS.</param>
    /// <param name="scoreThreshold">Probabilities below this are dropped.</param>
    public static ChosenBoxes Run(
        float[][] objectness, float[][] deltas, float[][] anchors, float height, float width, int before, int after,
        float nmsThreshold, float scoreThreshold)
    {
        var levels = new ChosenBoxes[objectness.Length];
        for (var level = 0; level < levels.Length; level++)
        {
            var boxes = BoxDecodeReference.Run(deltas[level], anchors[level], [1, 1, 1, 1], classes: 1);
            var all = new ChosenBoxes(
                BoxClipReference.Run(boxes, width, height), SigmoidReference.Run(objectness[level]),
                [.. Enumerable.Repeat(level, objectness[level].Length)]);
            levels[level] = all.At(TopKReference.Run(objectness[level], before))
                .Where((w, h, score) => w >= SmallestSide && h >= SmallestSide && score >= scoreThreshold);
        }
        return ChosenBoxes.Concat(levels).Best(nmsThreshold, after);
    }
}
