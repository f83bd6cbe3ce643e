namespace Fpn.IlGpu.Data;

/// <summary>
/// Which pictures each step takes: an epoch is a shuffle of all, cut into batches; what is left over at its end waits for
/// another epoch's luck. A source with fewer pictures than a batch repeats them in it. Any step can be asked for, which is
/// how training resumes.
/// </summary>
/// <param name="source">The pictures.</param>
/// <param name="batchSize">How many a step takes.</param>
/// <param name="seed">Of the shuffles.</param>
/// <param name="groupByShape">Whether wide and high pictures stay apart where they can, so that less is padded.</param>
internal sealed class SampleOrder(IPictureSource source, int batchSize, long seed, bool groupByShape)
{
    private const long ShufflePurpose = 2;
    private const long GroupPurpose = 3;

    private readonly Lock gate = new();
    private (long Epoch, int[] Order)? latest;

    /// <summary>How many steps an epoch has, at least 1.</summary>
    public long StepsPerEpoch { get; } = Math.Max(1, source.Count / batchSize);

    /// <summary>The picture that a step's place is for, and the epoch.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="place">In the batch, from 0.</param>
    /// <param name="replacement">
    /// 0 for that picture; 1 and more for those that take its place, half an epoch on and therefore hardly of the same batch.
    /// </param>
    public (long Epoch, int Index) At(long step, int place, int replacement)
    {
        var epoch = step / StepsPerEpoch;
        var order = OrderOf(epoch);
        var at = step % StepsPerEpoch * batchSize + place + (replacement == 0 ? 0 : order.Length / 2 + replacement - 1);
        return (epoch, order[(int)(at % order.Length)]);
    }

    private int[] OrderOf(long epoch)
    {
        lock (gate)
        {
            if (latest is { } known && known.Epoch == epoch)
                return known.Order;
            int[] order = [.. Enumerable.Range(0, source.Count)];
            Shuffle(order, new KeyedRandom(seed, ShufflePurpose, epoch));
            if (groupByShape && source.Count > batchSize)
                order = Grouped(order, new KeyedRandom(seed, GroupPurpose, epoch));
            latest = (epoch, order);
            return order;
        }
    }

    // Whole batches of each shape first, in a new shuffle; what remains of both makes the last ones.
    private int[] Grouped(int[] order, KeyedRandom random)
    {
        var groups = new[] { Array.FindAll(order, source.IsWide), Array.FindAll(order, i => !source.IsWide(i)) };
        var batches = groups.SelectMany(group => group.Chunk(batchSize)).ToArray();
        var whole = Array.FindAll(batches, batch => batch.Length == batchSize);
        Shuffle(whole, random);
        return [.. whole.SelectMany(batch => batch), .. batches.Where(batch => batch.Length < batchSize).SelectMany(batch => batch)];
    }

    private static void Shuffle<T>(T[] items, KeyedRandom random)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = random.NextBelow(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
