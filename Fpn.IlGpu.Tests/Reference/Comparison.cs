using System.Globalization;

namespace Fpn.IlGpu.Tests.Reference;

/// <summary>Compares computed values with expected ones. NaN never passes.</summary>
public static class Comparison
{
    /// <summary>Fails unless |actual − expected| ≤ atol + rtol · |expected| everywhere.</summary>
    /// <param name="actual">The computed values.</param>
    /// <param name="expected">The expected values.</param>
    /// <param name="atol">Absolute tolerance.</param>
    /// <param name="rtol">Tolerance as a share of the expected value.</param>
    /// <param name="shape">The shape of both, to name the place where they differ; empty for a flat list.</param>
    /// <param name="what">What is compared, for the message.</param>
    public static void AssertClose(
        ReadOnlySpan<float> actual, ReadOnlySpan<float> expected,
        double atol = 1e-5, double rtol = 1e-5, ReadOnlySpan<int> shape = default, string what = "values")
    {
        var difference = Difference(actual, expected, atol, rtol, shape);
        if (difference is not null)
            Assert.Fail($"{what}: {difference}");
    }

    /// <summary>Describes the values that differ too much, and names the largest difference; null if there are none.</summary>
    public static string? Difference(
        ReadOnlySpan<float> actual, ReadOnlySpan<float> expected,
        double atol, double rtol, ReadOnlySpan<int> shape = default)
    {
        if (actual.Length != expected.Length)
            return $"{actual.Length} elements, where {expected.Length} are expected";
        int wrong = 0, worst = -1;
        double largest = -1;
        for (var i = 0; i < actual.Length; i++)
        {
            // Infinities of the same sign are the same value, though their difference is NaN.
            if (actual[i] == expected[i])
                continue;
            var difference = Math.Abs((double)actual[i] - expected[i]);
            // Negated, so that NaN fails; nothing finite is close to infinity.
            var fails = !(difference <= atol + rtol * Math.Abs((double)expected[i])) || float.IsInfinity(expected[i]);
            if (!fails)
                continue;
            wrong++;
            if (worst >= 0 && (difference <= largest || double.IsNaN(largest)))
                continue;
            worst = i;
            largest = difference;
        }
        return wrong == 0
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{wrong} of {actual.Length} differ by more than {atol} + {rtol}·|expected|; most at " +
                $"{Place(worst, shape)}: {actual[worst]:G9} instead of {expected[worst]:G9}, " +
                $"a difference of {largest:G3}");
    }

    /// <summary>An element's index along each axis.</summary>
    private static string Place(int index, ReadOnlySpan<int> shape)
    {
        if (shape.IsEmpty)
            return $"[{index}]";
        var place = new int[shape.Length];
        for (var axis = shape.Length - 1; axis >= 0; axis--)
        {
            place[axis] = index % shape[axis];
            index /= shape[axis];
        }
        return $"[{string.Join(", ", place)}]";
    }
}
