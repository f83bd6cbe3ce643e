using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// The merging step of a featurised image pyramid (paper, figure 1a): the network runs on the picture at several sizes, and NMS
/// within each class merges the detections of all sizes. Before FPN this was the way to detect objects of all sizes well; it costs
/// a full run of the network for each size.
/// </summary>
internal static class ImagePyramid
{
    /// <summary>Merges the detections of one picture.</summary>
    /// <param name="found">The detections at each size, best first, in px of the picture.</param>
    /// <param name="nmsThreshold">The IoU above which the lower-scoring of two detections of a class is dropped.</param>
    /// <param name="most">The most detections to keep.</param>
    /// <returns>The detections, best first; equal scores keep the order of the sizes.</returns>
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
