using Fpn.IlGpu.Kernels;

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
            if (!kept.Exists(o => o.ClassId == candidate.ClassId && Overlap(o, candidate) > nmsThreshold))
                kept.Add(candidate);
        }
        return kept;
    }

    private static float Overlap(DetectedObject a, DetectedObject b)
        => NonMaximumSuppression.IntersectionOverUnion(a.BoxImagePx, b.BoxImagePx);
}
