using Fpn.IlGpu.Data;

namespace Fpn.IlGpu.Training;

/// <summary>The number of candidates of a picture that enter the losses.</summary>
/// <param name="Count">The most candidates.</param>
/// <param name="PositiveFraction">The largest share of positives; negatives fill the rest.</param>
internal readonly record struct SampleSize(int Count, float PositiveFraction)
{
    /// <summary>For anchors: 256 per picture, up to half of them positive.</summary>
    public static SampleSize Anchors { get; } = new(256, 0.5f);

    /// <summary>For RoIs: 512 per picture, up to a quarter of them positive.</summary>
    public static SampleSize Rois { get; } = new(512, 0.25f);
}

/// <summary>Samples training candidates from a picture's matched candidates, uniformly among positives and among negatives.</summary>
internal static class TargetSampler
{
    /// <summary>Samples candidates.</summary>
    /// <param name="matches">The matches from <see cref="BoxMatching"/>, [A].</param>
    /// <param name="size">The number of candidates to sample.</param>
    /// <param name="random">The random numbers.</param>
    /// <returns>The indices of the sampled candidates, ascending.</returns>
    public static (int[] Positives, int[] Negatives) Choose(ReadOnlySpan<int> matches, SampleSize size, KeyedRandom random)
    {
        var (positives, negatives) = (new List<int>(), new List<int>(matches.Length));
        for (var i = 0; i < matches.Length; i++)
        {
            if (matches[i] >= 0)
                positives.Add(i);
            else if (matches[i] == BoxMatching.Negative)
                negatives.Add(i);
        }
        var chosen = Some(positives, (int)(size.Count * size.PositiveFraction), ref random);
        return (chosen, Some(negatives, size.Count - chosen.Length, ref random));
    }

    // The first steps of a Fisher–Yates shuffle.
    private static int[] Some(List<int> all, int count, ref KeyedRandom random)
    {
        if (all.Count <= count)
            return [.. all];
        for (var i = 0; i < count; i++)
        {
            var j = i + random.NextBelow(all.Count - i);
            (all[i], all[j]) = (all[j], all[i]);
        }
        var chosen = all.GetRange(0, count).ToArray();
        Array.Sort(chosen);
        return chosen;
    }
}
