// Stand-in for the barriers of the CPU accelerator of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime.CPU;

/// <summary>
/// A barrier that notices when it can never open: some threads wait at it, and all others have finished.
/// Threads that share a gate fail together. Each thread is woken by itself: were all to wait for the gate, they
/// would then queue up for it once more.
/// </summary>
internal sealed class PhaseBarrier(GroupGate gate, int threads)
{
    private List<GroupThread> waiting = new(threads);
    private List<GroupThread> released = new(threads);
    private int finished;

    public void Arrive()
    {
        GroupThread own = GroupThread.Current;
        List<GroupThread>? open = null;
        lock (gate)
        {
            gate.ThrowIfFailed();
            if (waiting.Count + 1 < threads)
            {
                waiting.Add(own);
                FailIfNeverOpens();
            }
            else
            {
                // The list before is read by nobody any more: all of its threads have come here since.
                (open, waiting, released) = (waiting, released, waiting);
                waiting.Clear();
            }
        }

        if (open is null)
        {
            own.Sleep();
            gate.ThrowIfFailed();
            return;
        }

        foreach (GroupThread thread in open)
            thread.Wake();
    }

    /// <summary>The caller has left the kernel and will not come to this barrier any more in this group.</summary>
    public void Finish()
    {
        lock (gate)
        {
            gate.ThrowIfFailed();
            finished++;
            FailIfNeverOpens();
        }
    }

    /// <summary>The next group begins; called once, when every thread has finished.</summary>
    public void Reset() => finished = 0;

    private void FailIfNeverOpens()
    {
        if (waiting.Count == 0 || waiting.Count + finished < threads)
            return;
        gate.Fail(new InvalidOperationException(
            $"Threads of a group diverged around a barrier: {waiting.Count} of {threads} wait at it "
            + $"and {finished} have left the kernel."));
        gate.ThrowIfFailed();
    }
}

/// <summary>What the threads of a group lock, with the first failure of any of them.</summary>
internal sealed class GroupGate
{
    private readonly List<GroupThread> threads = [];
    private volatile Exception? failure;

    public Exception? Failure => failure;

    public void Enter(GroupThread thread)
    {
        lock (this)
            threads.Add(thread);
    }

    public void Fail(Exception exception)
    {
        lock (this)
        {
            failure ??= exception;
            foreach (GroupThread thread in threads)
                thread.Wake();
        }
    }

    public void ThrowIfFailed()
    {
        if (Failure is not null)
            throw new GroupAbandonedException();
    }
}

/// <summary>Takes a thread out of a kernel after another thread of its group failed.</summary>
internal sealed class GroupAbandonedException : Exception;
