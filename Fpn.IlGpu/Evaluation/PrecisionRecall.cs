namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// Precision and recall as the score that is asked for falls (COCO's accumulate), for each threshold t, class k, area a and
/// number m of a picture's best that count:
/// <code>
/// recall(n)    = TP(n) / objects
/// precision(n) = TP(n) / (TP(n) + FP(n)),   then the most that any larger n reaches
/// precision[r] = precision(first n with recall(n) ≥ r),   0 where there is none
/// </code>
/// −1 stands where a class has no objects of a size.
/// </summary>
internal sealed class PrecisionRecall
{
    private const double Absent = -1;

    // np.spacing(1): keeps 0 / 0 away.
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

    /// <summary>How many classes there are.</summary>
    public int Classes { get; }

    /// <summary>Matches and counts.</summary>
    /// <param name="groups">For each class its pictures, in their order.</param>
    /// <param name="most">How many of a group's best count, ascending.</param>
    public static PrecisionRecall Of(PictureGroup[][] groups, int[] most)
    {
        var result = new PrecisionRecall(groups.Length, most);
        Parallel.For(0, groups.Length * Areas, i => result.Accumulate(groups[i / Areas], i / Areas, i % Areas));
        return result;
    }

    /// <summary>The precisions at the recalls of <see cref="CocoProtocol.Recalls"/>; −1 throughout where there are no objects.</summary>
    public ReadOnlySpan<double> Precision(int threshold, int k, int area, int m)
        => precision.AsSpan(Place(threshold, k, area, m) * Recalls, Recalls);

    /// <summary>The recall of all that was found; −1 where there are no objects.</summary>
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
        // Stable, as COCO's merge sort: equals stay in the order of the pictures.
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

    // Bit t says what became of it at the t-th threshold.
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
                // COCO's code marks a match by the object's id, and takes id 0 for none.
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
