namespace Fpn.IlGpu.Verification.Reference;

/// <summary>Boxes [R, 4] of one picture with their scores and classes, as the last steps of detectors choose among them.</summary>
internal sealed record ChosenBoxes(float[] Boxes, float[] Scores, int[] Classes)
{
    /// <summary>How many there are.</summary>
    public int Count => Scores.Length;

    /// <summary>Those of several lists, one list after the other.</summary>
    public static ChosenBoxes Concat(IReadOnlyList<ChosenBoxes> lists) => new(
        [.. lists.SelectMany(l => l.Boxes)], [.. lists.SelectMany(l => l.Scores)], [.. lists.SelectMany(l => l.Classes)]);

    /// <summary>Some of them, in an order.</summary>
    public ChosenBoxes At(IEnumerable<int> indices)
    {
        int[] all = [.. indices];
        return new(
            [.. all.SelectMany(i => Boxes[(4 * i)..(4 * i + 4)])], [.. all.Select(i => Scores[i])], [.. all.Select(i => Classes[i])]);
    }

    /// <summary>Those that meet a condition on side lengths in px and score.</summary>
    public ChosenBoxes Where(Func<float, float, float, bool> keep) => At(Enumerable.Range(0, Count)
        .Where(i => keep(Boxes[4 * i + 2] - Boxes[4 * i], Boxes[4 * i + 3] - Boxes[4 * i + 1], Scores[i])));

    /// <summary>The best after non-maximum suppression among those of one class.</summary>
    public ChosenBoxes Best(float nmsThreshold, int most) => At(NmsReference.Run(Boxes, Scores, nmsThreshold, Classes).Take(most));
}
