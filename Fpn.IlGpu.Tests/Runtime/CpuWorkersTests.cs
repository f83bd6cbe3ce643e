using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Tests.Runtime;

public sealed class CpuWorkersTests
{
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(5)]
    public void Each_index_is_run_once(int workers)
    {
        using var pool = new CpuWorkers(workers);
        for (var launch = 0; launch < 3000; launch++)
        {
            var times = new int[launch % 700];
            pool.Run(times.Length, i => times[i]++);
            Assert.That(times, Is.All.EqualTo(1));
        }
    }

    [Test]
    public void A_launch_returns_only_when_every_index_is_done()
    {
        using var pool = new CpuWorkers(3);
        for (var launch = 0; launch < 300; launch++)
        {
            var isDone = new bool[8];
            pool.Run(isDone.Length, i =>
            {
                // Exercises both sleeping and spinning waits.
                Thread.SpinWait(i * 2000);
                isDone[i] = true;
            });
            Assert.That(isDone, Is.All.True);
        }
    }

    [Test]
    public void A_large_launch_covers_every_index()
    {
        using var pool = new CpuWorkers(2);
        var sum = 0L;
        pool.Run(1_000_003, i => Interlocked.Add(ref sum, i));
        Assert.That(sum, Is.EqualTo(1_000_003L * 1_000_002 / 2));
    }

    [Test]
    public void Without_workers_the_launching_thread_runs_everything_in_order()
    {
        using var pool = new CpuWorkers(0);
        var found = new List<(int Index, int Thread)>();
        pool.Run(5, i => found.Add((i, Environment.CurrentManagedThreadId)));
        Assert.That(found, Is.EqualTo(Enumerable.Range(0, 5).Select(i => (i, Environment.CurrentManagedThreadId))));
    }

    [Test]
    public void Workers_take_part()
    {
        using var pool = new CpuWorkers(2);
        using var all = new Barrier(3);
        pool.Run(3, _ => all.SignalAndWait());
        Assert.That(all.CurrentPhaseNumber, Is.EqualTo(1));
    }

    [Test]
    public void A_launch_does_not_wait_for_a_worker_that_is_busy_elsewhere()
    {
        using var pool = new CpuWorkers(1);
        using var bothBusy = new Barrier(3);
        using var release = new ManualResetEventSlim();
        var longLaunch = new Thread(() => pool.Run(2, _ =>
        {
            bothBusy.SignalAndWait();
            release.Wait();
        }));
        longLaunch.Start();
        bothBusy.SignalAndWait();
        var count = 0;
        pool.Run(100, _ => count++);
        Assert.That(count, Is.EqualTo(100));
        release.Set();
        longLaunch.Join();
    }

    [TestCase(0)]
    [TestCase(3)]
    public void An_exception_in_a_kernel_reaches_the_launching_thread(int workers)
    {
        using var pool = new CpuWorkers(workers);
        for (var launch = 0; launch < 200; launch++)
        {
            var bad = launch % 64;
            Assert.That(
                () => pool.Run(64, i => ThrowAt(bad, i)), Throws.ArgumentException.With.Message.EqualTo($"index {bad}"));
        }
        var count = 0;
        pool.Run(64, _ => Interlocked.Increment(ref count));
        Assert.That(count, Is.EqualTo(64), "the workers still run");
    }

    [Test]
    public void Several_threads_may_launch_at_the_same_time()
    {
        using var pool = new CpuWorkers(2);
        var sums = new long[4];
        var launching = sums.Select((_, t) => new Thread(() =>
        {
            for (var launch = 0; launch < 2000; launch++)
                pool.Run(20, i => Interlocked.Add(ref sums[t], i));
        })).ToArray();
        foreach (var thread in launching)
            thread.Start();
        foreach (var thread in launching)
            thread.Join();
        Assert.That(sums, Is.All.EqualTo(2000 * 190));
    }

    [Test]
    public void A_kernel_may_launch_others()
    {
        using var pool = new CpuWorkers(2);
        using var other = new CpuWorkers(2);
        var count = 0;
        pool.Run(10, _ => pool.Run(10, _ => other.Run(10, _ => Interlocked.Increment(ref count))));
        Assert.That(count, Is.EqualTo(1000));
    }

    [Test]
    public void Disposal_ends_the_workers()
    {
        var pool = new CpuWorkers(2);
        var threads = new Thread[3];
        using (var all = new Barrier(3))
        {
            pool.Run(3, i =>
            {
                threads[i] = Thread.CurrentThread;
                all.SignalAndWait();
            });
        }
        pool.Dispose();
        Assert.That(threads.Where(t => t.IsAlive), Is.EqualTo(new[] { Thread.CurrentThread }));
    }

    [Test]
    public void Several_devices_may_run_kernels_at_the_same_time()
    {
        const int Length = 1000;
        var results = new int[3][];
        var threads = results.Select((_, t) => new Thread(() =>
        {
            using var device = Device.Open("cpu");
            using var values = device.Rent<int>(Length);
            for (var launch = 0; launch < 200; launch++)
                device.Launch(SquareKernel, Length, launch + t, values.View);
            results[t] = values.Download();
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        for (var t = 0; t < results.Length; t++)
            Assert.That(results[t], Is.EqualTo(Enumerable.Range(0, Length).Select(i => i * i + 199 + t)));
    }

    [Test]
    public void An_exception_in_a_cpu_kernel_leaves_the_device_usable()
    {
        using var device = Device.Open("cpu");
        using var values = device.Rent<int>(100);
        Assert.That(() => device.Launch(FailingKernel, 100, 50, values.View), Throws.ArgumentException);
        device.Launch(SquareKernel, 100, 0, values.View);
        Assert.That(values.Download(), Is.EqualTo(Enumerable.Range(0, 100).Select(i => i * i)));
    }

    [Test]
    public void A_launch_of_no_threads_runs_nothing()
    {
        using var device = Device.Open("cpu");
        using var values = device.Rent<int>(1);
        Assert.That(() => device.Launch(FailingKernel, 0, 0, values.View), Throws.Nothing);
    }

    /// <summary>One thread = one square plus a constant.</summary>
    private static void SquareKernel(Index1D index, int more, ArrayView<int> squares) => squares[index] = index * index + more;

    /// <summary>One thread = an exception at one index, nothing at the others.</summary>
    private static void FailingKernel(Index1D index, int bad, ArrayView<int> values) => ThrowAt(bad, index);

    private static void ThrowAt(int bad, int index)
    {
        if (index == bad)
            throw new ArgumentException($"index {bad}");
    }
}
