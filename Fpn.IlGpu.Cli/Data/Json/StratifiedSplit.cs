using Fpn.IlGpu.Data;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Divides pictures into parts so that each part has its share of the pictures, exactly up to rounding, and of each class's objects, as
/// nearly as whole pictures allow. It is the iterative stratification of Sechidis, Tsoumakas and Vlahavas (2011), with numbers of objects
/// for labels: the rarest class is dealt out first, each picture to the part that lacks most of that class. Frequent classes come along as
/// they happen to; so pictures are swapped afterwards, as long as that brings the shares nearer:
/// <code>Σ over parts and classes of ((objects there − share · all objects) / all objects)²</code>
/// </summary>
internal static class StratifiedSplit
{
    private const long Purpose = 101;
    private const long SwapPurpose = 102;
    private const int SwapsPerPicture = 50;

    /// <summary>Returns the part of each picture.</summary>
    /// <param name="counts">[pictures][classes]: how many objects of each class a picture has.</param>
    /// <param name="shares">The parts' shares, which add up to 1.</param>
    /// <param name="seed">The seed of the order in which pictures are dealt out.</param>
    public static int[] Of(IReadOnlyList<int[]> counts, double[] shares, long seed)
    {
        var parts = new int[counts.Count];
        Array.Fill(parts, -1);
        var room = Sizes(counts.Count, shares);
        var classes = counts.Count == 0 ? 0 : counts[0].Length;
        var left = new long[classes];
        foreach (var (_, label, count) in Cells(counts))
            left[label] += count;
        double[][] lacks = [.. shares.Select(share => left.Select(total => total * share).ToArray())];
        var order = Shuffled(counts.Count, seed);
        while (Rarest(left) is { } rarest)
        {
            foreach (var picture in order.Where(picture => parts[picture] < 0 && counts[picture][rarest] > 0))
            {
                var part = Enumerable.Range(0, shares.Length).Where(p => room[p] > 0)
                    .MaxBy(p => (lacks[p][rarest], lacks[p].Sum(), (double)room[p]));
                parts[picture] = part;
                room[part]--;
                for (var label = 0; label < classes; label++)
                {
                    lacks[part][label] -= counts[picture][label];
                    left[label] -= counts[picture][label];
                }
            }
        }
        foreach (var picture in order.Where(picture => parts[picture] < 0))
        {
            var part = Enumerable.Range(0, shares.Length).MaxBy(p => room[p]);
            parts[picture] = part;
            room[part]--;
        }
        Swap(parts, counts, shares, lacks, seed);
        return parts;
    }

    private static void Swap(int[] parts, IReadOnlyList<int[]> counts, double[] shares, double[][] lacks, long seed)
    {
        var classes = counts.Count == 0 ? 0 : counts[0].Length;
        var all = new double[classes];
        foreach (var (_, label, count) in Cells(counts))
            all[label] += count;
        var random = new KeyedRandom(seed, SwapPurpose);
        for (var trial = 0L; shares.Length > 1 && trial < (long)counts.Count * SwapsPerPicture; trial++)
        {
            var (one, other) = (random.NextBelow(counts.Count), random.NextBelow(counts.Count));
            var (p, q) = (parts[one], parts[other]);
            if (p == q)
                continue;
            var change = 0.0;
            for (var label = 0; label < classes; label++)
            {
                // What moves from p to q adds to what p lacks.
                double moved = counts[one][label] - counts[other][label];
                if (moved != 0)
                    change += moved * (2 * (lacks[p][label] - lacks[q][label]) + 2 * moved) / (all[label] * all[label]);
            }
            if (!(change < -1e-12))
                continue;
            (parts[one], parts[other]) = (q, p);
            for (var label = 0; label < classes; label++)
            {
                var moved = counts[one][label] - counts[other][label];
                lacks[p][label] += moved;
                lacks[q][label] -= moved;
            }
        }
    }

    /// <summary>The whole numbers nearest to the shares that add up to the count: what rounding leaves goes to the largest remainders.</summary>
    internal static int[] Sizes(int count, double[] shares)
    {
        int[] sizes = [.. shares.Select(share => (int)Math.Floor(count * share + 1e-9))];
        var rest = Enumerable.Range(0, shares.Length).OrderByDescending(p => count * shares[p] - sizes[p]).Take(count - sizes.Sum());
        foreach (var part in rest.ToArray())
            sizes[part]++;
        return sizes;
    }

    /// <summary>The numbers from 0 to count − 1 in a random order.</summary>
    internal static int[] Shuffled(int count, long seed)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        var random = new KeyedRandom(seed, Purpose);
        for (var i = count - 1; i > 0; i--)
        {
            var j = random.NextBelow(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    private static int? Rarest(long[] left)
    {
        var rarest = Enumerable.Range(0, left.Length).Where(label => left[label] > 0).OrderBy(label => left[label]).ToArray();
        return rarest.Length > 0 ? rarest[0] : null;
    }

    private static IEnumerable<(int Picture, int Label, int Count)> Cells(IReadOnlyList<int[]> counts)
        => counts.SelectMany((own, picture) => own.Select((count, label) => (picture, label, count)));
}
