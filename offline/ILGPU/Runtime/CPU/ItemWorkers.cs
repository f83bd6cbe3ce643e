// Stand-in for the implicitly grouped launches of CPUAccelerator of ILGPU 1.5.3, used where the package feed lacks it.
#pragma warning disable CA1001 // the threads live as long as the process, and so does what wakes them
using System.Runtime.ExceptionServices;

namespace ILGPU.Runtime.CPU;

/// <summary>Runs the items from <paramref name="begin"/> to before <paramref name="end"/>.</summary>
internal delegate void ItemRange(long begin, long end, LocalArena local);

/// <summary>
/// One thread a core, kept for the life of the process. A launch's items are shared out in ranges as threads become
/// free, and the launching thread takes part.
/// </summary>
internal sealed class ItemWorkers
{
    // Ranges a thread: enough that the last ones to finish finish together, few enough that taking one costs nothing.
    private const int RangesPerThread = 16;

    public static readonly ItemWorkers Shared = new(Environment.ProcessorCount);

    private readonly int threads;
    private readonly SemaphoreSlim wake = new(0);
    private readonly Lock oneLaunch = new();
    private volatile Launch? current;

    private ItemWorkers(int threads)
    {
        this.threads = threads;
        for (int i = 1; i < threads; i++)
            new Thread(Work) { IsBackground = true, Name = $"Kernel items {i}" }.Start();
    }

    public void Run(long count, ItemRange body)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count == 0)
            return;
        if (count == 1 || threads == 1)
        {
            body(0, count, LocalArena.OfThisThread);
            return;
        }

        Launch launch;
        lock (oneLaunch)
        {
            launch = new Launch(count, Math.Max(1, count / (threads * RangesPerThread)), body);
            current = launch;
            wake.Release((int)Math.Min(count, threads) - 1);
            launch.TakeRanges();
            launch.WaitUntilDone();
            current = null;
        }

        launch.Failure?.Throw();
    }

    private void Work()
    {
        while (true)
        {
            // A thread that wakes late finds the launch exhausted, or the next one, or none: each is harmless.
            wake.Wait();
            current?.TakeRanges();
        }
    }

    /// <summary>The items of one launch, and how many of them are done.</summary>
    private sealed class Launch(long count, long rangeLength, ItemRange body)
    {
        private readonly object gate = new();
        private long next;
        private long done;
        private ExceptionDispatchInfo? failure;

        public ExceptionDispatchInfo? Failure => failure;

        public void TakeRanges()
        {
            var local = LocalArena.OfThisThread;
            while (true)
            {
                long begin = Interlocked.Add(ref next, rangeLength) - rangeLength;
                if (begin >= count)
                    return;
                long end = Math.Min(begin + rangeLength, count);
                try
                {
                    // After a failure the remaining ranges are only counted.
                    if (Volatile.Read(ref failure) is null)
                        body(begin, end, local);
                }
                catch (Exception exception)
                {
                    Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(exception), null);
                    local.Clear();
                }

                if (Interlocked.Add(ref done, end - begin) == count)
                {
                    lock (gate)
                        Monitor.PulseAll(gate);
                }
            }
        }

        public void WaitUntilDone()
        {
            var spin = new SpinWait();
            while (!spin.NextSpinWillYield && Interlocked.Read(ref done) < count)
                spin.SpinOnce();
            lock (gate)
            {
                while (Interlocked.Read(ref done) < count)
                    Monitor.Wait(gate);
            }
        }
    }
}
