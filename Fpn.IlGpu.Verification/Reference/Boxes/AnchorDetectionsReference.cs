namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// torchvision's RetinaNet.postprocess_detections for one picture: of each level the best pairs of anchor and class that
/// are likely enough, decoded and clipped; NMS among those of one class, of all levels; the best.
/// </summary>
internal static class AnchorDetectionsReference
{
    /// <summary>The detections, best first.</summary>
    /// <param name="logits">[level][anchor · classes].</param>
    /// <param name="deltas">[level][anchor · 4].</param>
    /// <param name="anchors">[level][anchor · 4], in px.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="weights">What deltas are divided by.</param>
    /// <param name="height">Of the picture, in px.</param>
    /// <param name="width">Of the picture, in px.</param>
    /// <param name="scoreThreshold">A probability that is not above this is dropped.</param>
    /// <param name="nmsThreshold">IoU.</param>
    /// <param name="candidates">At most so many pairs of a level.</param>
    /// <param name="most">At most so many detections.</param>
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
