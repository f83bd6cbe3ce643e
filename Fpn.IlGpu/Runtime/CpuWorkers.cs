using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Fpn.IlGpu.Runtime;

/// <summary>
/// Runs kernels on a CPU. The launching thread and the workers take parts of the work until none is left; the launch ends when
/// every part is done.
/// </summary>
/// <remarks>
/// ILGPU's CPU accelerator would have all of its threads meet at a barrier after each group and twice a launch. On a busy machine
/// one of them is off its core most of the time, and the others spin for it. Here no thread waits for a worker that has not started.
/// </remarks>
internal sealed class CpuWorkers : IDisposable
{
    // The next launch, or the end of another thread's last part, usually comes sooner than a thread could sleep and wake.
    private static readonly long SpinTicks = Stopwatch.Frequency / 20_000;

    private readonly object gate = new();
    private readonly Thread[] threads;
    private Work? current;
    private bool stopped;

    /// <summary>Starts so many workers. Without any, the thread that launches does all the work.</summary>
    public CpuWorkers(int count)
    {
        threads = [.. Enumerable.Range(0, count).Select(i => new Thread(DoWork) { IsBackground = true, Name = $"kernels {i}" })];
        foreach (var thread in threads)
            thread.Start();
    }

    /// <summary>Runs a kernel for each index below a count. What it throws ends the launch, and is thrown here.</summary>
    public void Run(int count, Action<int> kernel)
    {
        if (threads.Length == 0 || count <= 1)
        {
            for (var i = 0; i < count; i++)
                kernel(i);
            return;
        }
        var work = new Work(kernel, count, threads.Length + 1);
        lock (gate)
        {
            current = work;
            for (var i = 0; i < Math.Min(threads.Length, work.Parts - 1); i++)
                Monitor.Pulse(gate);
        }
        work.TakeParts();
        // Another thread may have launched something since.
        Interlocked.CompareExchange(ref current, null, work);
        work.Finish();
    }

    /// <summary>Ends the workers.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            stopped = true;
            Monitor.PulseAll(gate);
        }
        foreach (var thread in threads)
            thread.Join();
    }

    private void DoWork()
    {
        while (WaitForWork() is { } work)
            work.TakeParts();
    }

    /// <summary>Work that has parts left; null when there will be no more.</summary>
    private Work? WaitForWork()
    {
        Spin(static workers => Volatile.Read(ref workers.current) is { HasParts: true }, this);
        lock (gate)
        {
            while (!stopped && current is not { HasParts: true })
                Monitor.Wait(gate);
            return stopped ? null : current;
        }
    }

    /// <summary>Waits awake, but not for long.</summary>
    private static void Spin<T>(Func<T, bool> isOver, T state)
    {
        var end = Stopwatch.GetTimestamp() + SpinTicks;
        while (!isOver(state) && Stopwatch.GetTimestamp() < end)
            Thread.SpinWait(10);
    }

    /// <summary>The work of one launch.</summary>
    private sealed class Work
    {
        // A part has several indices if there are many: taking one costs up to 0.1 µs when another core has just taken one.
        private const int PartsPerThread = 64;

        private readonly Action<int> kernel;
        private readonly int count;
        private readonly int partLength;
        private int taken;
        private int done;
        private ExceptionDispatchInfo? error;

        public Work(Action<int> kernel, int count, int threads)
        {
            (this.kernel, this.count) = (kernel, count);
            partLength = Math.Max(1, count / (threads * PartsPerThread));
            Parts = (count - 1) / partLength + 1;
        }

        /// <summary>How many parts there are.</summary>
        public int Parts { get; }

        /// <summary>Whether not all of them are taken.</summary>
        public bool HasParts => Volatile.Read(ref taken) < Parts;

        /// <summary>Takes parts until none is left.</summary>
        public void TakeParts()
        {
            int part;
            while ((part = Interlocked.Increment(ref taken) - 1) < Parts)
            {
                var first = part * partLength;
                try
                {
                    for (var i = 0; i < Math.Min(partLength, count - first) && error is null; i++)
                        kernel(first + i);
                }
                catch (Exception e)
                {
                    error ??= ExceptionDispatchInfo.Capture(e);
                }
                if (Interlocked.Increment(ref done) == Parts)
                {
                    lock (this)
                        Monitor.Pulse(this);
                }
            }
        }

        /// <summary>Waits for the parts that others have taken, and throws what the kernel threw.</summary>
        public void Finish()
        {
            Spin(static work => work.IsDone, this);
            lock (this)
            {
                while (!IsDone)
                    Monitor.Wait(this);
            }
            error?.Throw();
        }

        private bool IsDone => Volatile.Read(ref done) == Parts;
    }
}
