namespace Fpn.IlGpu.Cli;

/// <summary>
/// Input and anchor sizes that suit a set, as a place to start from.
/// <para>Input: pictures are scaled so that the small objects (10th percentile of √(width · height)) are 16 px large, four cells of P2;
/// but at least to half and at most to twice their size, and to no more than 1333 px. <c>min_size</c> is then the median of the shorter
/// sides, <c>max_size</c> the 95th percentile of the longer ones, both to whole multiples of 16.</para>
/// <para>Anchors: five sizes, each twice the one before. The first one is 8, 16, 32 or 64, whichever leaves the most objects within a
/// factor of √2 of an anchor, where the two can overlap by an IoU of 0.5; among equals, that whose middle anchor is nearest to the median
/// object.</para>
/// </summary>
/// <param name="MinSize">The length of the shorter side, in px.</param>
/// <param name="MaxSize">The limit of the longer side, in px.</param>
/// <param name="Anchors">The anchors' sides, in px of the network's input.</param>
/// <param name="Covered">The share of the objects within a factor of √2 of an anchor.</param>
internal sealed record SizeSuggestion(int MinSize, int MaxSize, int[] Anchors, double Covered)
{
    private const double SmallShare = 0.1;
    private const double SmallPx = 16;
    private const double LongShare = 0.95;
    private const int Longest = 1333;
    private const int Multiple = 16;
    private const int Levels = 5;
    private static readonly int[] Firsts = [8, 16, 32, 64];

    /// <summary>The sizes for a set that has objects.</summary>
    public static SizeSuggestion Of(SetStatistics statistics)
    {
        var small = SetStatistics.Percentile(statistics.Objects.Select(o => o.SideImagePx), SmallShare);
        var scale = Math.Clamp(SmallPx / Math.Max(small, 1), 0.5, 2);
        var shorter = SetStatistics.Percentile(statistics.Pictures.Select(p => (double)Math.Min(p.Width, p.Height)), 0.5) * scale;
        var longer = SetStatistics.Percentile(statistics.Pictures.Select(p => (double)Math.Max(p.Width, p.Height)), LongShare) * scale;
        var limit = Math.Min(1, Longest / longer);
        var maxSize = limit < 1 ? Longest : Whole(longer);
        var minSize = Math.Min(Whole(shorter * limit), maxSize);
        return ForAnchors(statistics, minSize, maxSize);
    }

    /// <summary>The anchors at given input sizes.</summary>
    public static SizeSuggestion ForAnchors(SetStatistics statistics, int minSize, int maxSize)
    {
        double[] sides = [.. statistics.Objects.Select(o => SetStatistics.SideInputPx(o, minSize, maxSize))];
        var median = SetStatistics.Percentile(sides, 0.5);
        var first = Firsts.OrderByDescending(size => Covering(sides, size))
            .ThenBy(size => Math.Abs(Math.Log2(size * 4 / Math.Max(median, 1)))).First();
        return new SizeSuggestion(
            minSize, maxSize, [.. Enumerable.Range(0, Levels).Select(level => first << level)],
            (double)Covering(sides, first) / Math.Max(1, sides.Length));
    }

    private static int Covering(double[] sides, int first)
        => sides.Count(side => side >= first / Math.Sqrt(2) && side <= (first << (Levels - 1)) * Math.Sqrt(2));

    private static int Whole(double length) => Math.Max(4, (int)Math.Round(length / Multiple)) * Multiple;
}
