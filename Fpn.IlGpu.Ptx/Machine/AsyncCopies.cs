namespace Fpn.IlGpu.Ptx;

/// <summary>
/// The asynchronous copies of a warp's lanes (PTX ISA, "Data Movement and Conversion Instructions: cp.async"). Each lane
/// has its own copies, grouped by its commits. A copy's bytes reach shared memory at the wait, and not before.
/// </summary>
internal sealed class AsyncCopies(SharedMemory shared, int warp)
{
    private readonly List<Copy>[] open = [.. Enumerable.Range(0, Warp.Lanes).Select(_ => new List<Copy>())];
    private readonly Queue<List<Copy>>[] groups = [.. Enumerable.Range(0, Warp.Lanes).Select(_ => new Queue<List<Copy>>())];

    /// <summary>Discards all copies.</summary>
    public void Reset()
    {
        for (var lane = 0; lane < Warp.Lanes; lane++)
        {
            open[lane].Clear();
            groups[lane].Clear();
        }
    }

    public void Begin(int lane, ulong destination, byte[] bytes)
    {
        shared.BeginCopy(Thread(lane), destination, bytes.Length);
        open[lane].Add(new Copy(destination, bytes));
    }

    public void Commit(int lane)
    {
        groups[lane].Enqueue(open[lane]);
        open[lane] = [];
    }

    /// <summary>Waits for all groups except the latest <paramref name="exceptLatest"/>.</summary>
    public void Wait(int lane, int exceptLatest)
    {
        while (groups[lane].Count > exceptLatest)
        {
            foreach (var copy in groups[lane].Dequeue())
                shared.LandCopy(Thread(lane), copy.Destination, copy.Bytes);
        }
    }

    private int Thread(int lane) => warp * Warp.Lanes + lane;

    private readonly record struct Copy(ulong Destination, byte[] Bytes);
}
