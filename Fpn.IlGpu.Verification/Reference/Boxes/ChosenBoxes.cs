namespace Fpn.IlGpu.Verification.Reference;

/// <summary>Boxes [R, 4] of one picture with their scores and classes, for the selection steps of detectors.</summary>
internal sealed record ChosenBoxes(float[] Boxes, float[] Scores, int[] Classes)
{
    /// <summary>The number of boxes.</summary>
    public int Count => Scores.Length;

    /// <summary>The boxes of several lists, one list after the other.</summary>
    public static ChosenBoxes Concat(IReadOnlyList<ChosenBoxes> lists) => new(
        [.. lists.SelectMany(l => l.Boxes)], [.. lists.SelectMany(l => l.Scores)], [.. lists.SelectMany(l => l.Classes)]);

    /// <summary>The boxes at the given indices, in their order.</summary>
    public ChosenBoxes At(IEnumerable<int> indices)
    {
        int[] all = [.. indices];
        return new(
            [.. all.SelectMany(i => Boxes[(4 * i)..(4 * i + 4)])], [.. all.Select(i => Scores[i])], [.. all.Select(i => Classes[i])]);
    }

    /// <summary>The boxes that meet a condition on width, height (px) and score.</summary>
    public ChosenBoxes Where(Func<float, float, float, bool> keep) => At(Enumerable.Range(0, Count)
        .Where(i => keep(Boxes[4 * i + 2] - Boxes[4 * i], Boxes[4 * i + 3] - Boxes[4 * i + 1], Scores[i])));

    /// <summary>The best boxes after non-maximum suppression within each class.</summary>
    public ChosenBoxes Best(float nmsThreshold, int most) => At(NmsReference.Run(Boxes, Scores, nmsThreshold, Classes).Take(most));
}
