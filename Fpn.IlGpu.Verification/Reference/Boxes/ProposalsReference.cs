namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// torchvision's RegionProposalNetwork.filter_proposals for one picture: of each level the best anchors by objectness,
/// decoded, clipped, without those that are too small or too unlikely; NMS a level; the best of all levels.
/// </summary>
internal static class ProposalsReference
{
    // Of torchvision, in px.
    private const float SmallestSide = 1e-3f;

    /// <summary>The proposals, best first, with their level as class.</summary>
    /// <param name="objectness">Logits of the anchors, [level][anchor].</param>
    /// <param name="deltas">[level][anchor · 4].</param>
    /// <param name="anchors">[level][anchor · 4], in px.</param>
    /// <param name="height">Of the picture, in px.</param>
    /// <param name="width">Of the picture, in px.</param>
    /// <param name="before">At most so many of a level before NMS.</param>
    /// <param name="after">At most so many of the picture after it.</param>
    /// <param name="nmsThreshold">IoU.</param>
    /// <param name="scoreThreshold">A probability below this is dropped.</param>
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
