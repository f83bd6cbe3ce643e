namespace Fpn.IlGpu.Data;

/// <summary>
/// The pictures of each step. An epoch is a shuffle of all pictures, cut into batches; pictures that don't fill a last batch
/// are left out of that epoch. A source with fewer pictures than a batch repeats them in it. Any step can be computed directly,
/// which is how training resumes.
/// </summary>
/// <param name="source">The pictures.</param>
/// <param name="batchSize">Pictures per step.</param>
/// <param name="seed">The seed of the shuffles.</param>
/// <param name="groupByShape">Whether to keep wide and high pictures apart where possible, which reduces padding.</param>
internal sealed class SampleOrder(IPictureSource source, int batchSize, long seed, bool groupByShape)
{
    private const long ShufflePurpose = 2;
    private const long GroupPurpose = 3;

    private readonly Lock gate = new();
    private (long Epoch, int[] Order)? latest;

    /// <summary>The number of steps in an epoch, at least 1.</summary>
    public long StepsPerEpoch { get; } = Math.Max(1, source.Count / batchSize);

    /// <summary>Returns the epoch and the picture of a place in a step's batch.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="place">The place in the batch, from 0.</param>
    /// <param name="replacement">
    /// 0 for the picture itself; 1 and more for its replacements. These come from half an epoch away, so they are rarely in
    /// the same batch.
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

    // Full batches of each shape come first, reshuffled; the remaining pictures of both shapes make up the last batches.
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
