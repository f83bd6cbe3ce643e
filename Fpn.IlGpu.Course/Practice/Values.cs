namespace Fpn.IlGpu.Course;

/// <summary>Inputs for checks: no two alike, so that a mistake can't hide behind equal values.</summary>
internal static class Values
{
    /// <summary>Random values of both signs, the same in every run.</summary>
    public static float[] Random(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 2 - 1))];
    }

    /// <summary>One value for each element of the axes.</summary>
    public static float[] Of(Axes axes, Func<int, float> value) => [.. Enumerable.Range(0, axes.Length).Select(value)];
}
