using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// The merging end of a featurised image pyramid (paper, figure 1a): the network runs on the picture at several sizes, and of what
/// it finds in all of them, NMS keeps the best of each class. It was the way to be good at all sizes before FPN, at the cost of
/// a whole network for each.
/// </summary>
internal static class ImagePyramid
{
    /// <summary>Merges what was found in one picture.</summary>
    /// <param name="found">At each size, best first, in px of the picture.</param>
    /// <param name="nmsThreshold">IoU over which the lower of two of a class goes.</param>
    /// <param name="most">How many are kept.</param>
    /// <returns>Best first; at equal scores in the order of the sizes.</returns>
    public static IReadOnlyList<DetectedObject> Merge(
        IEnumerable<IReadOnlyList<DetectedObject>> found, float nmsThreshold, int most)
    {
        var kept = new List<DetectedObject>();
        foreach (var candidate in found.SelectMany(own => own).OrderByDescending(o => o.Score))
        {
            if (kept.Count == most)
                break;
            if (!kept.Exists(o => o.ClassId == candidate.ClassId && Iou(o.BoxImagePx, candidate.BoxImagePx) > nmsThreshold))
                kept.Add(candidate);
        }
        return kept;
    }

    private static float Iou(in Box a, in Box b)
    {
        var width = MathF.Min(a.X2, b.X2) - MathF.Max(a.X1, b.X1);
        var height = MathF.Min(a.Y2, b.Y2) - MathF.Max(a.Y1, b.Y1);
        if (!(width > 0 && height > 0))
            return 0;
        var common = width * height;
        return common / (a.Area + b.Area - common);
    }
}
