namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// Which found object stands for which true one (COCO's evaluateImg). Found objects choose one after the other, best score
/// first: each takes the true object that it overlaps most, of those that nobody has taken, if the IoU reaches the
/// threshold; of equals the last. Only if there is none it takes one that does not count (a crowd, or of another size), and
/// then does not count itself; a crowd may be taken by many.
/// </summary>
internal sealed class Matching
{
    /// <summary>The match of what matches nothing.</summary>
    public const int None = -1;

    private readonly PictureGroup group;
    private readonly int[] order;
    private readonly bool[] ignored;
    private readonly bool[] taken;

    /// <summary>Sorts out who counts.</summary>
    /// <param name="group">A class in a picture.</param>
    /// <param name="area">The sizes that count.</param>
    public Matching(PictureGroup group, AreaRange area)
    {
        this.group = group;
        ignored = Array.ConvertAll(group.Truth, truth => truth.IsCrowd || area.Excludes(truth.Area));
        order = [.. Enumerable.Range(0, ignored.Length).OrderBy(g => ignored[g])];
        taken = new bool[ignored.Length];
        Counted = ignored.Count(i => !i);
    }

    /// <summary>How many true objects count.</summary>
    public int Counted { get; }

    /// <summary>Whether a true object does not count: whether it is found or not is neither right nor wrong.</summary>
    public bool IsIgnored(int truth) => ignored[truth];

    /// <summary>Matches at one threshold.</summary>
    /// <param name="threshold">The least IoU.</param>
    /// <param name="matches">[D]: for each found object the place of the true one, or <see cref="None"/>.</param>
    public void Run(double threshold, Span<int> matches)
    {
        Array.Clear(taken);
        for (var d = 0; d < group.Found.Length; d++)
        {
            var match = Choose(d, Math.Min(threshold, 1 - 1e-10));
            matches[d] = match;
            if (match != None)
                taken[match] = true;
        }
    }

    private int Choose(int found, double best)
    {
        var match = None;
        for (var i = 0; i < order.Length; i++)
        {
            var g = order[i];
            if (taken[g] && !group.Truth[g].IsCrowd)
                continue;
            if (i >= Counted && match != None && !ignored[match])
                return match;
            var overlap = group.Overlap(found, g);
            if (overlap >= best)
            {
                best = overlap;
                match = g;
            }
        }
        return match;
    }
}
