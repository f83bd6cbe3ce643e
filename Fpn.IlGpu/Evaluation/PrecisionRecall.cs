namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// Precision and recall as the score threshold falls (COCO's accumulate), for each IoU threshold t, class k, area range a and
/// number m of a picture's top results that count:
/// <code>
/// recall(n)    = TP(n) / objects
/// precision(n) = TP(n) / (TP(n) + FP(n)),   then the maximum over this and all larger n
/// precision[r] = precision(first n with recall(n) ≥ r),   0 where there is none
/// </code>
/// −1 if a class has no objects of a size.
/// </summary>
internal sealed class PrecisionRecall
{
    private const double Absent = -1;

    // np.spacing(1): avoids 0 / 0.
    private const double Epsilon = 2.220446049250313e-16;

    private static readonly int Thresholds = CocoProtocol.IouThresholds.Length;
    private static readonly int Recalls = CocoProtocol.Recalls.Length;
    private static readonly int Areas = CocoProtocol.Areas.Length;

    private readonly int[] most;
    private readonly double[] precision;
    private readonly double[] recall;

    private PrecisionRecall(int classes, int[] most)
    {
        this.most = most;
        Classes = classes;
        precision = new double[classes * Areas * most.Length * Thresholds * Recalls];
        recall = new double[classes * Areas * most.Length * Thresholds];
        Array.Fill(precision, Absent);
        Array.Fill(recall, Absent);
    }

    /// <summary>The number of classes.</summary>
    public int Classes { get; }

    /// <summary>Matches the objects and accumulates the counts.</summary>
    /// <param name="groups">For each class its groups, in picture order.</param>
    /// <param name="most">How many of a group's top results count, ascending.</param>
    public static PrecisionRecall Of(PictureGroup[][] groups, int[] most)
    {
        var result = new PrecisionRecall(groups.Length, most);
        Parallel.For(0, groups.Length * Areas, i => result.Accumulate(groups[i / Areas], i / Areas, i % Areas));
        return result;
    }

    /// <summary>The precisions at the recalls of <see cref="CocoProtocol.Recalls"/>; all −1 if there are no objects.</summary>
    public ReadOnlySpan<double> Precision(int threshold, int k, int area, int m)
        => precision.AsSpan(Place(threshold, k, area, m) * Recalls, Recalls);

    /// <summary>The recall of all results; −1 if there are no objects.</summary>
    public double Recall(int threshold, int k, int area, int m) => recall[Place(threshold, k, area, m)];

    private int Place(int threshold, int k, int area, int m) => (((((k * Areas) + area) * most.Length) + m) * Thresholds) + threshold;

    private void Accumulate(PictureGroup[] groups, int k, int area)
    {
        var objects = 0;
        var found = new List<Scored>();
        foreach (var group in groups)
            objects += Match(group, CocoProtocol.Areas[area], found);
        if (objects == 0)
            return;
        // Stable, like COCO's merge sort: ties stay in picture order.
        Scored[] best = [.. found.OrderByDescending(item => item.Score)];
        var truePositives = new List<int>();
        var precisions = new List<double>();
        for (var m = 0; m < most.Length; m++)
        {
            for (var t = 0; t < Thresholds; t++)
            {
                truePositives.Clear();
                precisions.Clear();
                Count(best, most[m], 1 << t, truePositives, precisions);
                var place = Place(t, k, area, m);
                recall[place] = truePositives.Count == 0 ? 0 : (double)truePositives[^1] / objects;
                ReadOff(truePositives, precisions, objects, precision.AsSpan(place * Recalls, Recalls));
            }
        }
    }

    // Bit t of right and ignored holds the outcome at the t-th threshold.
    private static int Match(PictureGroup group, AreaRange area, List<Scored> found)
    {
        var matching = new Matching(group, area);
        var first = found.Count;
        var right = new int[group.Found.Length];
        var ignored = new int[group.Found.Length];
        var matches = new int[group.Found.Length];
        for (var t = 0; t < Thresholds; t++)
        {
            matching.Run(CocoProtocol.IouThresholds[t], matches);
            for (var d = 0; d < matches.Length; d++)
            {
                // COCO's code marks a match with the object's id, so id 0 means no match.
                var matched = matches[d] != Matching.None && group.Truth[matches[d]].Id != 0;
                var ignore = (matches[d] != Matching.None && matching.IsIgnored(matches[d]))
                    || (!matched && area.Excludes(group.Found[d].Area));
                right[d] |= matched ? 1 << t : 0;
                ignored[d] |= ignore ? 1 << t : 0;
            }
        }
        for (var d = 0; d < matches.Length; d++)
            found.Add(new Scored(group.Found[d].Score, d, right[d], ignored[d]));
        return matching.Counted;
    }

    private static void Count(Scored[] best, int most, int bit, List<int> truePositives, List<double> precisions)
    {
        int tp = 0, fp = 0;
        foreach (ref readonly var item in best.AsSpan())
        {
            if (item.Rank >= most)
                continue;
            if ((item.Ignored & bit) == 0)
            {
                tp += (item.Right & bit) != 0 ? 1 : 0;
                fp += (item.Right & bit) == 0 ? 1 : 0;
            }
            truePositives.Add(tp);
            precisions.Add(tp / ((double)fp + tp + Epsilon));
        }
        for (var i = precisions.Count - 1; i > 0; i--)
            precisions[i - 1] = Math.Max(precisions[i - 1], precisions[i]);
    }

    private static void ReadOff(List<int> truePositives, List<double> precisions, int objects, Span<double> curve)
    {
        curve.Clear();
        var n = 0;
        for (var r = 0; r < curve.Length; r++)
        {
            while (n < truePositives.Count && (double)truePositives[n] / objects < CocoProtocol.Recalls[r])
                n++;
            if (n == truePositives.Count)
                return;
            curve[r] = precisions[n];
        }
    }

    private readonly record struct Scored(double Score, int Rank, int Right, int Ignored);
}
