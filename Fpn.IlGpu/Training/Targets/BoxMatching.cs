using System.Numerics;

using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>The IoU thresholds for positive and negative candidates; a candidate between the two is neither.</summary>
/// <param name="PositiveFrom">The least IoU of a positive.</param>
/// <param name="NegativeBelow">The limit that a negative's IoU with every true box is below.</param>
/// <param name="BestOfEach">Whether the candidates with the greatest IoU with a true box are always positive, however small it is.</param>
internal readonly record struct MatchRule(float PositiveFrom, float NegativeBelow, bool BestOfEach)
{
    /// <summary>The rule for anchors (paper, section 4.1).</summary>
    public static MatchRule Anchors { get; } = new(0.7f, 0.3f, BestOfEach: true);

    /// <summary>The rule for RetinaNet's anchors (Lin et al., "Focal Loss for Dense Object Detection", section 4; torchvision).</summary>
    public static MatchRule RetinaNet { get; } = new(0.5f, 0.4f, BestOfEach: true);

    /// <summary>The rule for RoIs (Fast R-CNN, section 2.3, without its lower bound of 0.1, which later implementations dropped).</summary>
    public static MatchRule Rois { get; } = new(0.5f, 0.5f, BestOfEach: false);
}

/// <summary>
/// Matches each candidate (anchor or proposal) with the true box of greatest IoU, the first one among equals.
/// <code>
/// positive: IoU ≥ PositiveFrom; or, with BestOfEach, the greatest IoU &gt; 0 of all candidates with some true box
/// negative: IoU &lt; NegativeBelow with all true boxes
/// neither:  the rest, and candidates that are not positive and have at least half of their area in an ignored region
/// </code>
/// This follows torchvision's Matcher with two differences. For a true box that no candidate overlaps, torchvision makes every
/// candidate positive. It also has no ignored regions; their overlap is the intersection over the candidate's own area, as in COCO's
/// evaluation of crowds.
/// 200k anchors and 20 boxes take milliseconds, so matching stays on the host. It processes a vector of candidates at a time, and
/// computes an IoU that it needs again instead of storing it.
/// </summary>
internal static class BoxMatching
{
    /// <summary>The match of a negative.</summary>
    public const int Negative = -1;

    /// <summary>The match of a candidate that is neither positive nor negative.</summary>
    public const int Neither = -2;

    private const float IgnoredFrom = 0.5f;

    /// <summary>Matches candidates.</summary>
    /// <param name="candidates">The candidates, [A], in input px.</param>
    /// <param name="truth">The true boxes, [G], in input px.</param>
    /// <param name="ignored">The ignored regions, in input px.</param>
    /// <param name="rule">The rule for positives and negatives.</param>
    /// <returns>The match of each candidate, [A]: the index of a true box, or <see cref="Negative"/>, or <see cref="Neither"/>.</returns>
    public static int[] Run(BoxColumns candidates, ReadOnlySpan<Box> truth, ReadOnlySpan<Box> ignored, MatchRule rule)
    {
        var best = new float[candidates.PaddedCount];
        var nearest = new int[candidates.PaddedCount];
        var bestOfTruth = new float[truth.Length];
        for (var t = 0; t < truth.Length; t++)
            bestOfTruth[t] = Compare(candidates, truth[t], t, best, nearest);

        var matches = new int[candidates.Count];
        for (var i = 0; i < matches.Length; i++)
            matches[i] = best[i] >= rule.PositiveFrom ? nearest[i] : best[i] >= rule.NegativeBelow ? Neither : Negative;
        if (rule.BestOfEach)
        {
            for (var t = 0; t < truth.Length; t++)
            {
                // From PositiveFrom on, they are positive already.
                if (bestOfTruth[t] > 0 && bestOfTruth[t] < rule.PositiveFrom)
                    KeepBest(candidates, truth[t], bestOfTruth[t], nearest, matches);
            }
        }
        foreach (var region in ignored)
            Ignore(candidates, region, matches);
        return matches;
    }

    // Returns the greatest IoU of one true box with any candidate, and updates each candidate's best true box so far.
    private static float Compare(BoxColumns candidates, Box truth, int index, float[] best, int[] nearest)
    {
        var greatest = Vector<float>.Zero;
        for (var i = 0; i < candidates.PaddedCount; i += Vector<float>.Count)
        {
            // Neighbouring candidates are near each other: most vectors of them end here.
            var intersections = candidates.Intersections(i, truth);
            if (intersections == Vector<float>.Zero)
                continue;
            var ious = candidates.Ious(i, truth, intersections);
            greatest = Vector.Max(greatest, ious);
            var before = new Vector<float>(best, i);
            var greater = Vector.GreaterThan(ious, before);
            Vector.ConditionalSelect(greater, ious, before).CopyTo(best, i);
            Vector.ConditionalSelect(greater, new Vector<int>(index), new Vector<int>(nearest, i)).CopyTo(nearest, i);
        }
        var result = 0f;
        for (var lane = 0; lane < Vector<float>.Count; lane++)
            result = Math.Max(result, greatest[lane]);
        return result;
    }

    // The candidates with the greatest IoU become positive. Each keeps its own best true box, which need not be this one.
    private static void KeepBest(BoxColumns candidates, Box truth, float bestIou, int[] nearest, int[] matches)
    {
        for (var i = 0; i < candidates.PaddedCount; i += Vector<float>.Count)
        {
            var same = Vector.Equals(candidates.Ious(i, truth), new Vector<float>(bestIou));
            if (same == Vector<int>.Zero)
                continue;
            for (var lane = 0; lane < Vector<float>.Count && i + lane < candidates.Count; lane++)
            {
                if (same[lane] != 0)
                    matches[i + lane] = nearest[i + lane];
            }
        }
    }

    private static void Ignore(BoxColumns candidates, Box region, int[] matches)
    {
        for (var i = 0; i < candidates.PaddedCount; i += Vector<float>.Count)
        {
            var inside = Vector.GreaterThanOrEqual(
                candidates.Intersections(i, region), Vector.Max(candidates.Areas(i) * IgnoredFrom, new Vector<float>(float.Epsilon)));
            if (inside == Vector<int>.Zero)
                continue;
            for (var lane = 0; lane < Vector<float>.Count && i + lane < candidates.Count; lane++)
            {
                if (inside[lane] != 0 && matches[i + lane] < 0)
                    matches[i + lane] = Neither;
            }
        }
    }
}
