namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// Matches found objects to true ones (COCO's evaluateImg). Found objects choose one after another, best score first. Each
/// takes the untaken true object with the highest IoU, if that reaches the threshold; of equal IoUs, the last. Only if there is
/// none, it takes an ignored object (a crowd, or one of another size), and is then ignored itself. A crowd may be taken many
/// times.
/// </summary>
internal sealed class Matching
{
    /// <summary>The match of an object that matches nothing.</summary>
    public const int None = -1;

    private readonly PictureGroup group;
    private readonly int[] order;
    private readonly bool[] ignored;
    private readonly bool[] taken;

    /// <summary>Determines which true objects count.</summary>
    /// <param name="group">The objects of a class in a picture.</param>
    /// <param name="area">The range of areas that count.</param>
    public Matching(PictureGroup group, AreaRange area)
    {
        this.group = group;
        ignored = Array.ConvertAll(group.Truth, truth => truth.IsCrowd || area.Excludes(truth.Area));
        order = [.. Enumerable.Range(0, ignored.Length).OrderBy(g => ignored[g])];
        taken = new bool[ignored.Length];
        Counted = ignored.Count(i => !i);
    }

    /// <summary>The number of true objects that count.</summary>
    public int Counted { get; }

    /// <summary>Whether a true object is ignored: finding or missing it is neither right nor wrong.</summary>
    public bool IsIgnored(int truth) => ignored[truth];

    /// <summary>Matches at one IoU threshold.</summary>
    /// <param name="threshold">The minimum IoU.</param>
    /// <param name="matches">[D]: for each found object the index of its true one, or <see cref="None"/>.</param>
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
