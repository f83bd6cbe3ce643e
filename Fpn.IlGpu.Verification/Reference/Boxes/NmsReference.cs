namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// Greedy non-maximum suppression: boxes are visited by descending score (among equals by index), and each box that is kept removes
/// later boxes of the same group whose IoU with it exceeds the threshold.
/// </summary>
internal static class NmsReference
{
    /// <summary>Returns the indices of the boxes that are kept, best first.</summary>
    /// <param name="boxes">The boxes as x1, y1, x2, y2, [R, 4].</param>
    /// <param name="scores">The scores, [R].</param>
    /// <param name="threshold">The IoU above which a box is removed.</param>
    /// <param name="groups">The level or class of each box, [R]; null if all are in one group.</param>
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

    /// <summary>The IoU of two boxes; NaN if both are empty.</summary>
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
