namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// Greedy non-maximum suppression: best score first (among equals the lower index), each box that stays removes those
/// after it, of its own group, whose IoU with it is over the threshold.
/// </summary>
internal static class NmsReference
{
    /// <summary>Boxes [R, 4] and scores [R] to the indices that stay, best first.</summary>
    /// <param name="boxes">x1, y1, x2, y2.</param>
    /// <param name="scores">One a box.</param>
    /// <param name="threshold">IoU over which a box goes.</param>
    /// <param name="groups">Level or class of each box; null: all are one group.</param>
    public static int[] Run(float[] boxes, float[] scores, float threshold, int[]? groups = null)
    {
        var order = TopKReference.Run(scores, scores.Length);
        var removed = new bool[scores.Length];
        var kept = new List<int>();
        for (var i = 0; i < order.Length; i++)
        {
            if (removed[order[i]])
                continue;
            kept.Add(order[i]);
            for (var j = i + 1; j < order.Length; j++)
            {
                if ((groups is null || groups[order[i]] == groups[order[j]])
                    && IoU(boxes, order[i], order[j]) > threshold)
                {
                    removed[order[j]] = true;
                }
            }
        }
        return [.. kept];
    }

    /// <summary>Intersection over union of two boxes; NaN when both are empty.</summary>
    public static float IoU(float[] boxes, int a, int b)
    {
        ReadOnlySpan<float> first = boxes.AsSpan(4 * a, 4), second = boxes.AsSpan(4 * b, 4);
        var width = Math.Max(Math.Min(first[2], second[2]) - Math.Max(first[0], second[0]), 0);
        var height = Math.Max(Math.Min(first[3], second[3]) - Math.Max(first[1], second[1]), 0);
        var intersection = width * height;
        return intersection / (Area(first) + Area(second) - intersection);
    }

    private static float Area(ReadOnlySpan<float> box) => (box[2] - box[0]) * (box[3] - box[1]);
}
