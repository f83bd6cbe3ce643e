namespace Fpn.IlGpu.Cli;

/// <summary>Prepares items on other threads a little ahead of the one that uses them, so that it never waits.</summary>
internal static class Prefetch
{
    /// <summary>
    /// Yields <paramref name="prepare"/> of every item, in order. While the consumer works on one, at most
    /// <paramref name="ahead"/> further ones are prepared or wait, which bounds the memory they take.
    /// </summary>
    public static IEnumerable<TPrepared> InOrder<TItem, TPrepared>(
        IEnumerable<TItem> items, Func<TItem, TPrepared> prepare, int ahead)
    {
        var waiting = new Queue<Task<TPrepared>>();
        foreach (var item in items)
        {
            waiting.Enqueue(Task.Run(() => prepare(item)));
            if (waiting.Count > ahead)
                yield return waiting.Dequeue().GetAwaiter().GetResult();
        }
        while (waiting.TryDequeue(out var next))
            yield return next.GetAwaiter().GetResult();
    }
}
