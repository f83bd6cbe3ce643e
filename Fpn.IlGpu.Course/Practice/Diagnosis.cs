using System.Globalization;

namespace Fpn.IlGpu.Course;

/// <summary>
/// Guesses what is wrong from the values: it tries mistakes that are often made, and names the one that explains all values.
/// </summary>
internal static class Diagnosis
{
    // A guess must explain nearly all values; the rest may be at borders that it does not model.
    private const double Explained = 0.97;

    public static string? Of(
        Axes axes, float[] expected, float[] got, int[] wrong, Func<float, float, bool> near, IReadOnlyList<Suspect> suspects,
        bool sharesTile)
    {
        foreach (var suspect in suspects)
        {
            // It must explain the values that are wrong, and predict that the others are right.
            if (wrong.Count(i => near(suspect.Values[i], got[i])) >= Explained * wrong.Length
                && Share(got.Length, i => near(suspect.Values[i], got[i])) >= Explained)
            {
                return suspect.Meaning;
            }
        }
        // What a thread reads from a tile before it is written can be anything, NaN among it.
        if (Array.Exists(wrong, i => float.IsNaN(got[i])))
            return sharesTile ? null : "Some values are NaN: a division by 0, a root of a negative number, or something read before it was written.";
        if (Array.TrueForAll(wrong, i => got[i] == 0))
        {
            return wrong.Length == Count(expected) ? "All values are 0: nothing is added up, or nothing is stored."
                : sharesTile ? null : "All of them are 0: a guard lets too little through, or a sum is never stored.";
        }
        var placed = Placed(axes, wrong);
        return Moved(axes, expected, got, wrong, near)
            ?? Transposed(axes, expected, got, wrong, near)
            ?? Scaled(expected, got, near)
            // A race may happen to show in one place only.
            ?? (placed is not null && sharesTile ? $"{placed} {Verdict.Scattered}" : placed);
    }

    private static int Count(float[] expected) => expected.Count(v => v != 0);

    private static string? Moved(Axes axes, float[] expected, float[] got, int[] wrong, Func<float, float, bool> near)
    {
        int[] all = [.. Enumerable.Range(0, axes.Count)];
        int[] spatial = [.. all.Where(axis => axes.NameOf(axis) is "y" or "x")];
        foreach (var together in (int[][])[.. all.Select(axis => (int[])[axis]), spatial])
        {
            foreach (var by in (int[])[1, -1])
            {
                if (together.Length == 0 || together.Any(axis => axes.ExtentOf(axis) < 3))
                    continue;
                var inside = wrong.Where(i => together.All(axis => axes.At(i, axis) + by >= 0 && axes.At(i, axis) + by < axes.ExtentOf(axis))).ToArray();
                var step = together.Sum(axes.StepOf) * by;
                // Windows at the border differ, too.
                if (inside.Length < wrong.Length / 2 || inside.Count(i => near(expected[i + step], got[i])) < 0.8 * inside.Length)
                    continue;
                var where = string.Join(" and ", together.Select(axis => $"{axes.NameOf(axis)} {(by > 0 ? "+" : "−")} 1"));
                return $"Each value is that of its neighbour at {where}: an index is off by one along {string.Join(" and ", together.Select(axes.NameOf))}.";
            }
        }
        return null;
    }

    private static string? Transposed(Axes axes, float[] expected, float[] got, int[] wrong, Func<float, float, bool> near)
    {
        var isWrong = wrong.ToHashSet();
        for (var a = 0; a < axes.Count; a++)
        {
            for (var b = a + 1; b < axes.Count; b++)
            {
                var order = Enumerable.Range(0, axes.Count).Select(axis => axis == a ? b : axis == b ? a : axis).ToArray();
                // Where an element is if the two axes change places in memory.
                int Place(int i) => order.Aggregate(0, (index, axis) => index * axes.ExtentOf(axis) + axes.At(i, axis));
                var elements = Enumerable.Range(0, got.Length).Where(i => isWrong.Contains(Place(i)));
                if (elements.Count(i => near(expected[i], got[Place(i)])) >= Explained * wrong.Length)
                {
                    return $"The values are right but transposed: {axes.NameOf(a)} and {axes.NameOf(b)} have changed places in the index. "
                        + $"{axes.NameOf(b)} should change faster.";
                }
            }
        }
        return null;
    }

    private static string? Scaled(float[] expected, float[] got, Func<float, float, bool> near)
    {
        var at = Array.FindIndex(expected, v => MathF.Abs(v) > 1e-3f);
        if (at < 0)
            return null;
        var (factor, offset) = (got[at] / expected[at], got[at] - expected[at]);
        if (Share(got.Length, i => near(expected[i] * factor, got[i])) >= Explained)
            return string.Create(CultureInfo.InvariantCulture, $"Every value is {factor:G4} times what it should be: a sum is not divided by its count, or a factor is missing.");
        return Share(got.Length, i => near(expected[i] + offset, got[i])) >= Explained
            ? string.Create(CultureInfo.InvariantCulture, $"Every value is off by {offset:G4}: something is added that should not be, or is missing.")
            : null;
    }

    private static string? Placed(Axes axes, int[] wrong)
    {
        for (var axis = 0; axis < axes.Count; axis++)
        {
            var (name, last) = (axes.NameOf(axis), axes.ExtentOf(axis) - 1);
            if (last < 2)
                continue;
            if (Array.TrueForAll(wrong, i => axes.At(i, axis) == last))
                return $"Only the last {name} is wrong: look at the end of the loop, or at the guard there.";
            if (Array.TrueForAll(wrong, i => axes.At(i, axis) == 0))
                return $"Only the first {name} is wrong: look at the guard against coordinates below 0.";
            if (last >= 8 && Array.TrueForAll(wrong, i => axes.At(i, axis) >= (last + 1) / 8 * 8))
                return $"Only {name} from {(last + 1) / 8 * 8} on is wrong: the last tile, which the map does not fill.";
        }
        var spatial = Enumerable.Range(0, axes.Count).Where(axis => axes.NameOf(axis) is "y" or "x").ToArray();
        return spatial.Length > 0 && Array.TrueForAll(
                wrong, i => Array.Exists(spatial, axis => axes.At(i, axis) == 0 || axes.At(i, axis) == axes.ExtentOf(axis) - 1))
            ? "Only the border of the map is wrong: look at what happens where the window reaches beyond it."
            : null;
    }

    private static double Share(int count, Func<int, bool> holds) => (double)Enumerable.Range(0, count).Count(holds) / count;
}
