namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// torchvision's RetinaNet.postprocess_detections for one picture: on each level, the best pairs of anchor and class above the score
/// threshold are decoded and clipped; NMS runs within each class over all levels; the best are kept.
/// </summary>
internal static class AnchorDetectionsReference
{
    /// <summary>The detections, best first.</summary>
    /// <param name="logits">The logits, [level][anchor · classes].</param>
    /// <param name="deltas">The deltas, [level][anchor · 4].</param>
    /// <param name="anchors">The anchors, [level][anchor · 4], in px.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="weights">The weights that deltas are divided by.</param>
    /// <param name="height">The height of the picture, in px.</param>
    /// <param name="width">The width of the picture, in px.</param>
    /// <param name="scoreThreshold">Only probabilities above this are kept.</param>
    /// <param name="nmsThreshold">The IoU threshold of NMS.</param>
    /// <param name="candidates">The most pairs per level.</param>
    /// <param name="most">The most detections.</param>
    public static ChosenBoxes Run(
        float[][] logits, float[][] deltas, float[][] anchors, int classes, float[] weights, float height, float width,
        float scoreThreshold, float nmsThreshold, int candidates, int most)
    {
        var levels = new ChosenBoxes[logits.Length];
        for (var level = 0; level < levels.Length; level++)
        {
            var scores = SigmoidReference.Run(logits[level]);
            var boxes = BoxClipReference.Run(BoxDecodeReference.Run(deltas[level], anchors[level], weights, classes: 1), width, height);
            int[] best = [.. TopKReference.Run(logits[level], scores.Length).Where(i => scores[i] > scoreThreshold).Take(candidates)];
            levels[level] = new(
                [.. best.SelectMany(i => boxes[(4 * (i / classes))..(4 * (i / classes) + 4)])],
                [.. best.Select(i => scores[i])], [.. best.Select(i => i % classes)]);
        }
        return ChosenBoxes.Concat(levels).Best(nmsThreshold, most);
    }
}
