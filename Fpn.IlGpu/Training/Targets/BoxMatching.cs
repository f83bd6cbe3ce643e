using System.Numerics;

using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>From which IoU on a candidate is positive, and below which it is negative; between the two it is neither.</summary>
/// <param name="PositiveFrom">Least IoU of a positive.</param>
/// <param name="NegativeBelow">A negative's IoU with every true box is less.</param>
/// <param name="BestOfEach">Whether the candidates that overlap a true box most are positive however little that is.</param>
internal readonly record struct MatchRule(float PositiveFrom, float NegativeBelow, bool BestOfEach)
{
    /// <summary>For anchors (paper, section 4.1).</summary>
    public static MatchRule Anchors { get; } = new(0.7f, 0.3f, BestOfEach: true);

    /// <summary>For RoIs (Fast R-CNN, section 2.3, without its lower bound of 0.1, which nobody has kept).</summary>
    public static MatchRule Rois { get; } = new(0.5f, 0.5f, BestOfEach: false);
}

/// <summary>
/// Tells each candidate (anchor or proposal) which true box it stands for: that of its greatest IoU, the first among equals.
/// <code>
/// positive: IoU ≥ PositiveFrom, or, with BestOfEach, no other candidate's IoU with some true box is greater, and it is not 0
/// negative: IoU &lt; NegativeBelow with all
/// neither:  the rest, and what lies by half or more in a region to be ignored and is not positive
/// </code>
/// As torchvision's Matcher, which however makes every candidate positive for a true box that none overlaps. It knows no
/// regions to be ignored; there it is intersection over the candidate's own area, as in COCO's evaluation of crowds.
/// 200k anchors and 20 boxes take milliseconds, so this stays on the host: a vector of candidates at a time, and IoU
/// computed twice instead of kept.
/// </summary>
internal static class BoxMatching
{
    /// <summary>The match of a negative.</summary>
    public const int Negative = -1;

    /// <summary>The match of what is neither positive nor negative.</summary>
    public const int Neither = -2;

    private const float IgnoredFrom = 0.5f;

    /// <summary>Matches candidates.</summary>
    /// <param name="candidates">[A], in input px.</param>
    /// <param name="truth">[G], in input px.</param>
    /// <param name="ignored">Regions in which nothing is to be learned, in input px.</param>
    /// <param name="rule">What counts as what.</param>
    /// <returns>[A]: the index of a true box, or <see cref="Negative"/>, or <see cref="Neither"/>.</returns>
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
                if (bestOfTruth[t] > 0)
                    KeepBest(candidates, truth[t], bestOfTruth[t], nearest, matches);
            }
        }
        foreach (var region in ignored)
            Ignore(candidates, region, matches);
        return matches;
    }

    // The greatest IoU with one true box. Where it is a candidate's greatest so far, too, the candidate is told.
    private static float Compare(BoxColumns candidates, Box truth, int index, float[] best, int[] nearest)
    {
        var greatest = Vector<float>.Zero;
        for (var i = 0; i < candidates.PaddedCount; i += Vector<float>.Count)
        {
            var ious = candidates.Ious(i, truth);
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

    // They stand for the box that is nearest to them, which need not be this one.
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
