// Stand-in for the threads of the CPU accelerator that run groups of ILGPU 1.5.3, used where the package feed lacks it.
#pragma warning disable CA1001 // the threads live as long as the process, and so does what wakes them
namespace ILGPU.Runtime.CPU;

/// <summary>As many threads as the largest group so far, kept for the next launch.</summary>
internal static class GroupThreads
{
    private const int StackBytes = 512 * 1024;

    private static readonly Lock OneLaunch = new();
    private static readonly List<Worker> Workers = [];

    /// <summary>Calls <paramref name="body"/> with 0 to <paramref name="count"/> - 1, all at the same time.</summary>
    public static void Run(int count, Action<int> body)
    {
        if (count == 1)
        {
            body(0);
            return;
        }

        lock (OneLaunch)
        {
            while (Workers.Count < count)
                Workers.Add(new Worker(Workers.Count));
            using var done = new CountdownEvent(count);
            for (int i = 0; i < count; i++)
                Workers[i].Start(body, done);
            done.Wait();
        }
    }

    private sealed class Worker
    {
        private readonly SemaphoreSlim wake = new(0);
        private readonly int index;
        private Action<int>? body;
        private CountdownEvent? done;

        public Worker(int index)
        {
            this.index = index;
            new Thread(Work, StackBytes) { IsBackground = true, Name = $"Kernel group {index}" }.Start();
        }

        public void Start(Action<int> work, CountdownEvent countdown)
        {
            body = work;
            done = countdown;
            wake.Release();
        }

        private void Work()
        {
            while (true)
            {
                wake.Wait();
                body!(index);
                done!.Signal();
            }
        }
    }
}
