// Stand-in for the barriers of the CPU accelerator of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime.CPU;

/// <summary>
/// A barrier that notices when it can never open: some threads wait at it, and all others have finished.
/// Threads that share a gate fail together.
/// </summary>
internal sealed class PhaseBarrier(GroupGate gate, int threads)
{
    private int arrived;
    private int finished;
    private long phase;

    public void Arrive()
    {
        lock (gate)
        {
            gate.ThrowIfFailed();
            if (++arrived == threads)
            {
                arrived = 0;
                phase++;
                Monitor.PulseAll(gate);
                return;
            }

            FailIfNeverOpens();
            long mine = phase;
            while (phase == mine)
            {
                gate.ThrowIfFailed();
                Monitor.Wait(gate);
            }
        }
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
        if (arrived == 0 || arrived + finished < threads)
            return;
        gate.Fail(new InvalidOperationException(
            $"Threads of a group diverged around a barrier: {arrived} of {threads} wait at it "
            + $"and {finished} have left the kernel."));
        gate.ThrowIfFailed();
    }
}

/// <summary>What the threads of a group lock and wait on, with the first failure of any of them.</summary>
internal sealed class GroupGate
{
    public Exception? Failure { get; private set; }

    public void Fail(Exception exception)
    {
        lock (this)
        {
            Failure ??= exception;
            Monitor.PulseAll(this);
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
