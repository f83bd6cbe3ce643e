namespace Fpn.IlGpu.Verification;

/// <summary>Seeded values for the operators' inputs, the same on every machine.</summary>
internal static class CaseValues
{
    /// <summary>Uniform values in −1…1.</summary>
    public static float[] Uniform(int count, int seed) => Uniform(count, seed, -1, 1);

    /// <summary>Uniform values in a range.</summary>
    public static float[] Uniform(int count, int seed, float from, float to)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => from + (to - from) * random.NextSingle())];
    }

    /// <summary>Evenly spaced values in a range, shuffled: no two are close to each other.</summary>
    public static float[] Distinct(int count, int seed, float from, float to)
    {
        float[] values = [.. Enumerable.Range(0, count).Select(i => from + (to - from) * (i + 0.5f) / count)];
        new Random(seed).Shuffle(values);
        return values;
    }

    /// <summary>Boxes of all sizes as x1, y1, x2, y2, some partly and some completely off a picture of w × h px.</summary>
    public static float[] Boxes(int count, int seed, float w, float h)
    {
        var random = new Random(seed);
        var boxes = new List<float>();
        for (var i = 0; i < count; i++)
        {
            var (x, y) = ((random.NextSingle() * 1.4f - 0.2f) * w, (random.NextSingle() * 1.4f - 0.2f) * h);
            boxes.AddRange([x, y, x + MathF.Pow(random.NextSingle(), 3) * w, y + MathF.Pow(random.NextSingle(), 3) * h]);
        }
        return [.. boxes];
    }

    /// <summary>Initial values of an output: values that its operator does not write stay NaN, which never agrees.</summary>
    public static float[] Unwritten(long count)
    {
        var values = new float[count];
        Array.Fill(values, float.NaN);
        return values;
    }
}
