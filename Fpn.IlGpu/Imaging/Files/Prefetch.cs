namespace Fpn.IlGpu.Imaging;

/// <summary>Prepares items on other threads, a little ahead of the thread that consumes them, so that it need not wait.</summary>
internal static class Prefetch
{
    /// <summary>The most memory that items which are prepared ahead may take, in bytes; a single item may take more.</summary>
    public const long MostBytes = 512L << 20;

    /// <summary>
    /// Yields <paramref name="prepare"/> of every item, in order. While the consumer works on one item, at most
    /// <paramref name="ahead"/> more are being prepared or are ready, and they take at most <see cref="MostBytes"/>.
    /// </summary>
    /// <param name="items">The items.</param>
    /// <param name="prepare">Prepares an item. It calls the action with the bytes that it is about to allocate, which may wait.</param>
    /// <param name="ahead">The number of items to prepare ahead.</param>
    /// <param name="stop">
    /// Once it is cancelled, nothing more is yielded, and what is being prepared isn't waited for: it goes on in the background, and
    /// ends with the process.
    /// </param>
    public static IEnumerable<TPrepared> InOrder<TItem, TPrepared>(
        IEnumerable<TItem> items, Func<TItem, Action<long>, TPrepared> prepare, int ahead, CancellationToken stop)
    {
        var memory = new Allowance(stop);
        var waiting = new Queue<Task<TPrepared>>();
        var (begun, taken) = (0, 0);
        foreach (var item in items)
        {
            waiting.Enqueue(Begin(item, begun++));
            if (waiting.Count <= ahead)
                continue;
            if (!IsDone(waiting.Peek(), stop))
                yield break;
            yield return waiting.Dequeue().GetAwaiter().GetResult();
            memory.Return(taken++);
        }
        while (waiting.TryDequeue(out var next) && IsDone(next, stop))
        {
            yield return next.GetAwaiter().GetResult();
            memory.Return(taken++);
        }

        Task<TPrepared> Begin(TItem item, int number) => Task.Run(
            () =>
            {
                try
                {
                    return prepare(item, bytes => memory.Take(number, bytes));
                }
                finally
                {
                    memory.Pass(number);
                }
            },
            CancellationToken.None);
    }

    // Waits until it is; false if it need not be any more.
    private static bool IsDone(Task task, CancellationToken stop)
    {
        try
        {
            Task.WaitAny([task], stop);
            return !stop.IsCancellationRequested;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>
    /// The memory for items ahead. It is given out in the order of the items: otherwise later ones could hold all of it while the
    /// consumer waits for an earlier one.
    /// </summary>
    private sealed class Allowance(CancellationToken stop)
    {
        private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

        private readonly object gate = new();
        private readonly Dictionary<int, long> given = [];
        private readonly HashSet<int> passed = [];
        private int next;

        public void Take(int number, long bytes)
        {
            lock (gate)
            {
                while (!passed.Contains(number) && (number != next || !Fits(bytes)) && !stop.IsCancellationRequested)
                    Monitor.Wait(gate, LookAgain);
                given[number] = bytes;
            }
            Pass(number);
        }

        /// <summary>The item takes nothing, or nothing more: it is the next one's turn.</summary>
        public void Pass(int number)
        {
            lock (gate)
            {
                passed.Add(number);
                while (passed.Contains(next))
                    next++;
                Monitor.PulseAll(gate);
            }
        }

        public void Return(int number)
        {
            lock (gate)
            {
                given.Remove(number);
                passed.Remove(number);
                Monitor.PulseAll(gate);
            }
        }

        private bool Fits(long bytes) => given.Count == 0 || given.Values.Sum() + bytes <= MostBytes;
    }
}
