using System.Globalization;

namespace Fpn.IlGpu.Verification;

/// <summary>Compares a device's results with those of the references, and records mismatches. NaN never agrees.</summary>
internal sealed class Findings
{
    private double timesBound = -1;

    /// <summary>The largest difference relative to its bound.</summary>
    public double Difference { get; private set; }

    /// <summary>The bound of that difference.</summary>
    public double Bound { get; private set; }

    /// <summary>A line for each comparison that failed.</summary>
    public List<string> Mismatches { get; } = [];

    /// <summary>Records a mismatch unless |actual − expected| ≤ atol + rtol · |expected| everywhere.</summary>
    /// <param name="actual">The device's values.</param>
    /// <param name="expected">The reference's values.</param>
    /// <param name="atol">The absolute tolerance.</param>
    /// <param name="rtol">The tolerance relative to the expected value.</param>
    /// <param name="shape">The shape of both, to name the place where they differ.</param>
    /// <param name="what">A name for what is compared, if a case compares several things.</param>
    public void Close(
        ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, double atol, double rtol, ReadOnlySpan<int> shape, string what = "")
    {
        var prefix = what.Length == 0 ? "" : $"{what}: ";
        if (actual.Length != expected.Length)
        {
            Consider(double.PositiveInfinity, Math.Abs(actual.Length - expected.Length), 0);
            Mismatches.Add($"{prefix}{actual.Length} values instead of {expected.Length}");
            return;
        }
        var (wrong, worst) = (0, new Worst(-1, -1, 0, 0));
        for (var i = 0; i < actual.Length; i++)
        {
            var difference = actual[i] == expected[i] ? 0 : Math.Abs((double)actual[i] - expected[i]);
            var bound = atol + rtol * Math.Abs((double)expected[i]);
            var times = TimesBound(difference, bound);
            if (times > 1)
                wrong++;
            if (times > worst.TimesBound || (times == worst.TimesBound && !(difference <= worst.Difference)))
                worst = new Worst(i, times, difference, bound);
        }
        Consider(worst.TimesBound, worst.Difference, worst.Bound);
        if (wrong > 0)
        {
            var where = actual.Length == 1 ? "" : $"{wrong} of {actual.Length} values differ, most at {Place(worst.Index, shape)}: ";
            Mismatches.Add(string.Create(
                CultureInfo.InvariantCulture, $"{prefix}{where}{actual[worst.Index]:G7} instead of {expected[worst.Index]:G7}"));
        }
    }

    /// <summary>Records a mismatch unless all integers are equal.</summary>
    public void Same(ReadOnlySpan<int> actual, ReadOnlySpan<int> expected, string what = "")
        => Close([.. actual.ToArray().Select(v => (float)v)], [.. expected.ToArray().Select(v => (float)v)], 0, 0, [expected.Length], what);

    /// <summary>Adds the findings of a case.</summary>
    public void Add(Findings other, string of)
    {
        Consider(other.timesBound, other.Difference, other.Bound);
        Mismatches.AddRange(other.Mismatches.Select(line => $"{of}, {line}"));
    }

    // The ratio of a difference to its bound; infinite if either is not finite, so that it counts as a mismatch.
    private static double TimesBound(double difference, double bound)
        => difference == 0 ? 0 : double.IsFinite(difference) && double.IsFinite(bound) ? difference / bound : double.PositiveInfinity;

    private void Consider(double times, double difference, double bound)
    {
        if (times > timesBound || (times == timesBound && !(difference <= Difference)))
            (timesBound, Difference, Bound) = (times, difference, bound);
    }

    private static string Place(int index, ReadOnlySpan<int> shape)
    {
        var place = new int[shape.Length];
        for (var axis = shape.Length - 1; axis >= 0; axis--)
        {
            place[axis] = index % shape[axis];
            index /= shape[axis];
        }
        return $"[{string.Join(", ", place)}]";
    }

    private readonly record struct Worst(int Index, double TimesBound, double Difference, double Bound);
}
