using Fpn.IlGpu.Data;

namespace Fpn.IlGpu.Training;

/// <summary>How many candidates of a picture the losses are taken of.</summary>
/// <param name="Count">At most so many.</param>
/// <param name="PositiveFraction">At most this part of them is positive; negatives take the rest.</param>
internal readonly record struct SampleSize(int Count, float PositiveFraction)
{
    /// <summary>Anchors: 256 a picture, up to half of them positive.</summary>
    public static SampleSize Anchors { get; } = new(256, 0.5f);

    /// <summary>RoIs: 512 a picture, up to a quarter of them positive.</summary>
    public static SampleSize Rois { get; } = new(512, 0.25f);
}

/// <summary>Chooses, of a picture's matched candidates, those to learn from: at random, each positive (negative) alike.</summary>
internal static class TargetSampler
{
    /// <summary>Chooses.</summary>
    /// <param name="matches">[A], of <see cref="BoxMatching"/>.</param>
    /// <param name="size">How many.</param>
    /// <param name="random">Decides.</param>
    /// <returns>Indices of candidates, ascending.</returns>
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

    // The first steps of a shuffle (Fisher and Yates).
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
