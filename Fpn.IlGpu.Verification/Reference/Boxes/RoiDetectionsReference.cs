namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// torchvision's RoIHeads.postprocess_detections for one picture: every RoI's box for every class but the background's,
/// decoded and clipped, without those that are too small or too unlikely; NMS a class; the best.
/// </summary>
internal static class RoiDetectionsReference
{
    // Of torchvision, in px.
    private const float SmallestSide = 1e-2f;

    /// <summary>The detections, best first.</summary>
    /// <param name="logits">[R, classes].</param>
    /// <param name="deltas">[R, classes, 4], or without the background's where that is the last class.</param>
    /// <param name="rois">[R, 4], in px.</param>
    /// <param name="classes">The number of classes, with the background.</param>
    /// <param name="background">Its class.</param>
    /// <param name="weights">What deltas are divided by.</param>
    /// <param name="height">Of the picture, in px.</param>
    /// <param name="width">Of the picture, in px.</param>
    /// <param name="scoreThreshold">A probability that is not above this is dropped.</param>
    /// <param name="nmsThreshold">IoU.</param>
    /// <param name="most">At most so many.</param>
    public static ChosenBoxes Run(
        float[] logits, float[] deltas, float[] rois, int classes, int background, float[] weights, float height, float width,
        float scoreThreshold, float nmsThreshold, int most)
    {
        int count = rois.Length / 4, withBoxes = count == 0 ? classes : deltas.Length / (4 * count);
        var scores = SoftmaxReference.Run(logits, count, classes);
        var boxes = BoxClipReference.Run(BoxDecodeReference.Run(deltas, rois, weights, withBoxes), width, height);
        var all = new List<ChosenBoxes>();
        for (var r = 0; r < count; r++)
        {
            for (var c = 0; c < classes; c++)
            {
                var at = 4 * (r * withBoxes + c);
                if (c != background)
                    all.Add(new(boxes[at..(at + 4)], [scores[r * classes + c]], [c]));
            }
        }

        return ChosenBoxes.Concat(all)
            .Where((w, h, score) => w >= SmallestSide && h >= SmallestSide && score > scoreThreshold)
            .Best(nmsThreshold, most);
    }
}
