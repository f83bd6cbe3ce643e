namespace Fpn.IlGpu.Evaluation;

/// <summary>The numbers that COCO's evaluation stands on.</summary>
internal static class CocoProtocol
{
    /// <summary>IoU from which on something counts as found: 0.50, 0.55, … 0.95.</summary>
    public static double[] IouThresholds { get; } = Evenly(.5, .95, 10);

    /// <summary>Recalls at which precision is read off: 0, 0.01, … 1.</summary>
    public static double[] Recalls { get; } = Evenly(0, 1, 101);

    /// <summary>Sizes of objects, both ends included.</summary>
    public static AreaRange[] Areas { get; } =
    [
        new("all", 0, 1e5 * 1e5), new("small", 0, 32 * 32), new("medium", 32 * 32, 96 * 96), new("large", 96 * 96, 1e5 * 1e5),
    ];

    /// <summary>How many of a picture's best count, of each class.</summary>
    public static int[] MostDetections { get; } = [1, 10, 100];

    /// <summary>How many of a picture's best proposals count, of all classes together.</summary>
    public static int[] MostProposals { get; } = [10, 100, 1000];

    // As numpy's linspace computes them: the last bit decides whether an IoU reaches its threshold.
    private static double[] Evenly(double first, double last, int count)
    {
        var step = (last - first) / (count - 1);
        double[] values = [.. Enumerable.Range(0, count).Select(i => (i * step) + first)];
        values[^1] = last;
        return values;
    }
}

/// <summary>Objects of what area count; the others are neither right nor wrong.</summary>
/// <param name="Name">For people and files.</param>
/// <param name="From">In px².</param>
/// <param name="To">In px².</param>
internal readonly record struct AreaRange(string Name, double From, double To)
{
    /// <summary>Whether an area lies outside.</summary>
    public bool Excludes(double area) => area < From || area > To;
}
