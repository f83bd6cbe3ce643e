using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The mask head's targets for one picture (Mask R-CNN, section 3): the part of its object's mask that each positive RoI sees, by
/// RoIAlign with M × M bins.
/// <code>
/// target[r, py, px] = Σy Σx wy[y, py] · wx[x, px] · mask[y, x]
/// </code>
/// RoIAlign's weights are products of one along y and one along x (<see cref="RoiAxis"/>). The mask stays run lengths of the picture
/// before it is resized: the sum of wy over a run in a column is the difference of two cumulated weights.
/// The values are torchvision's, which resizes the bitmap to the input by nearest neighbour, and then takes roi_align with
/// sampling_ratio −1 and aligned False.
/// </summary>
/// <param name="Positives">
/// The indices of the positive RoIs that have a mask to learn, ascending; those of objects without a mask are left out.
/// </param>
/// <param name="Values">The targets, [Positives, M, M], 0…1.</param>
internal sealed record MaskTargets(int[] Positives, float[] Values)
{
    /// <summary>Computes the targets for a picture, in parallel over its RoIs.</summary>
    /// <param name="rois">The picture's RoIs; the positives are used.</param>
    /// <param name="truth">The picture's true boxes with their masks.</param>
    /// <param name="resizedH">The height of the resized picture before padding, in px.</param>
    /// <param name="resizedW">The width of the resized picture, in px.</param>
    /// <param name="side">M, the number of bins along y and x: 28 in torchvision and Detectron2.</param>
    public static MaskTargets Of(RoiTargets rois, PictureTruth truth, int resizedH, int resizedW, int side)
        => Of(rois.Rois, rois.Truth, truth, resizedH, resizedW, side);

    /// <summary>Computes the targets of regions, each of which sees the mask of one object.</summary>
    /// <param name="regions">The regions, in px of the resized picture; the first ones have an object.</param>
    /// <param name="objects">The index of each region's object in the picture.</param>
    /// <param name="truth">The picture's true boxes with their masks.</param>
    /// <param name="resizedH">The height of the resized picture before padding, in px.</param>
    /// <param name="resizedW">The width of the resized picture, in px.</param>
    /// <param name="side">M, the number of bins along y and x.</param>
    public static MaskTargets Of(Box[] regions, int[] objects, PictureTruth truth, int resizedH, int resizedW, int side)
    {
        int[] positives = [.. Enumerable.Range(0, objects.Length).Where(r => truth.Masks[objects[r]] is not null)];
        var values = new float[positives.Length * side * side];
        Parallel.For(0, positives.Length, i =>
        {
            var r = positives[i];
            Crop(truth.Masks[objects[r]]!, regions[r], resizedH, resizedW, side, values.AsSpan(i * side * side, side * side));
        });
        return new MaskTargets(positives, values);
    }

    // Adds to [M, M] zeros.
    private static void Crop(ObjectMask mask, Box roi, int resizedH, int resizedW, int side, Span<float> target)
    {
        var alongX = new RoiAxis(roi.X1, roi.X2, resizedW, mask.Width, side);
        var alongY = new RoiAxis(roi.Y1, roi.Y2, resizedH, mask.Height, side);
        alongY.Cumulate();
        int end = 0, afterLast = alongX.End * mask.Height;
        var runs = mask.RunLengths;
        for (var i = 0; i < runs.Length && end < afterLast; i++)
        {
            var start = end;
            end += runs[i];
            if (i % 2 == 0)
                continue;
            var (first, last) = (Math.Max(start / mask.Height, alongX.First), Math.Min((end - 1) / mask.Height, alongX.End - 1));
            for (var x = first; x <= last; x++)
                AddRun(alongX.Weights(x), start - x * mask.Height, end - x * mask.Height, alongY, target);
        }
    }

    // The run's px within the column are y1 to y2 − 1; the run may begin before the column and end after it.
    private static void AddRun(ReadOnlySpan<float> ofColumn, int y1, int y2, RoiAxis alongY, Span<float> target)
    {
        (y1, y2) = (Math.Max(y1, alongY.First), Math.Min(y2, alongY.End));
        if (y1 >= y2)
            return;
        var above = alongY.Weights(y1);
        var below = alongY.Weights(y2);
        // A column is in a bin or two.
        var last = ofColumn.LastIndexOfAnyExcept(0f);
        for (var px = Math.Max(ofColumn.IndexOfAnyExcept(0f), 0); px <= last; px++)
        {
            for (var py = 0; py < above.Length; py++)
                target[py * ofColumn.Length + px] += ofColumn[px] * (below[py] - above[py]);
        }
    }
}
