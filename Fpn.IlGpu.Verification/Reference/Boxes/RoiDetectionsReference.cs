namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// torchvision's RoIHeads.postprocess_detections for one picture: every RoI's box for every class but the background is decoded and
/// clipped, and boxes with too short a side or too low a score are dropped; NMS runs within each class; the best are kept.
/// </summary>
internal static class RoiDetectionsReference
{
    // torchvision's value, in px.
    private const float SmallestSide = 1e-2f;

    /// <summary>The detections, best first.</summary>
    /// <param name="logits">The logits, [R, classes].</param>
    /// <param name="deltas">The deltas, [R, classes, 4], or [R, classes − 1, 4] if the background is the last class.</param>
    /// <param name="rois">The RoIs, [R, 4], in px.</param>
    /// <param name="classes">The number of classes, including the background.</param>
    /// <param name="background">The class id of the background.</param>
    /// <param name="weights">The weights that deltas are divided by.</param>
    /// <param name="height">The height of the picture, in px.</param>
    /// <param name="width">The width of the picture, in px.</param>
    /// <param name="scoreThreshold">Only probabilities above this are kept.</param>
    /// <param name="nmsThreshold">The IoU threshold of NMS.</param>
    /// <param name="most">The most detections.</param>
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
