namespace Fpn.IlGpu.Cli;

/// <summary>Prepares items on other threads, a little ahead of the thread that consumes them, so that it need not wait.</summary>
internal static class Prefetch
{
    /// <summary>
    /// Yields <paramref name="prepare"/> of every item, in order. While the consumer works on one item, at most
    /// <paramref name="ahead"/> more are being prepared or are ready, which bounds the memory they take.
    /// </summary>
    /// <remarks>
    /// Once <paramref name="stop"/> is cancelled, nothing more is yielded, and what is being prepared isn't waited for: it
    /// goes on in the background, and ends with the process.
    /// </remarks>
    public static IEnumerable<TPrepared> InOrder<TItem, TPrepared>(
        IEnumerable<TItem> items, Func<TItem, TPrepared> prepare, int ahead, CancellationToken stop)
    {
        var waiting = new Queue<Task<TPrepared>>();
        foreach (var item in items)
        {
            waiting.Enqueue(Task.Run(() => prepare(item), CancellationToken.None));
            if (waiting.Count <= ahead)
                continue;
            if (!IsDone(waiting.Peek(), stop))
                yield break;
            yield return waiting.Dequeue().GetAwaiter().GetResult();
        }
        while (waiting.TryDequeue(out var next) && IsDone(next, stop))
            yield return next.GetAwaiter().GetResult();
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
}
