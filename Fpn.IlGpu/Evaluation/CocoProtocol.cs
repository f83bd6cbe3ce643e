namespace Fpn.IlGpu.Evaluation;

/// <summary>The constants of COCO's evaluation.</summary>
internal static class CocoProtocol
{
    /// <summary>The IoUs from which a result matches an object: 0.50, 0.55, … 0.95.</summary>
    public static double[] IouThresholds { get; } = Evenly(.5, .95, 10);

    /// <summary>The recalls at which precision is sampled: 0, 0.01, … 1.</summary>
    public static double[] Recalls { get; } = Evenly(0, 1, 101);

    /// <summary>The ranges of object sizes, both ends included.</summary>
    public static AreaRange[] Areas { get; } =
    [
        new("all", 0, 1e5 * 1e5), new("small", 0, 32 * 32), new("medium", 32 * 32, 96 * 96), new("large", 96 * 96, 1e5 * 1e5),
    ];

    /// <summary>How many of a picture's top results count, for each class.</summary>
    public static int[] MostDetections { get; } = [1, 10, 100];

    /// <summary>How many of a picture's top proposals count, over all classes.</summary>
    public static int[] MostProposals { get; } = [10, 100, 1000];

    // Computed as in numpy's linspace: the last bit can decide whether an IoU reaches a threshold.
    private static double[] Evenly(double first, double last, int count)
    {
        var step = (last - first) / (count - 1);
        double[] values = [.. Enumerable.Range(0, count).Select(i => (i * step) + first)];
        values[^1] = last;
        return values;
    }
}

/// <summary>The range of object areas that count; objects of other areas are ignored.</summary>
/// <param name="Name">The name in files and output.</param>
/// <param name="From">The lower end, in px².</param>
/// <param name="To">The upper end, in px².</param>
internal readonly record struct AreaRange(string Name, double From, double To)
{
    /// <summary>Whether an area is outside the range.</summary>
    public bool Excludes(double area) => area < From || area > To;
}
