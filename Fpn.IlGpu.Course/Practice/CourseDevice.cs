using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Fpn.IlGpu.Course;

/// <summary>
/// The device of the course: ILGPU's CPU accelerator, made to look like a small GPU that runs one group of 64 threads at a time. Its
/// threads are threads of this process, and a kernel is called as the method that it is: a breakpoint in it stops a debugger.
/// </summary>
public static class CourseDevice
{
    /// <summary>The threads of a group.</summary>
    public const int GroupSize = 64;

    // A kernel that takes longer does not end: exercises take milliseconds.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static readonly Lock Gate = new();
    private static readonly Lazy<CPUAccelerator> Opened = new(Open);

    internal static CPUAccelerator Accelerator => Opened.Value;

    internal static int GroupsFor(int threads) => (threads + GroupSize - 1) / GroupSize;

    /// <summary>Runs a kernel with one thread for each index, and waits for it.</summary>
    internal static void Run<T1, T2>(Action<Index1D, T1, T2> kernel, int threads, T1 a, T2 b)
        where T1 : struct
        where T2 : struct
        => Finish(() => Accelerator.LoadAutoGroupedStreamKernel<Index1D, T1, T2>(kernel)(threads, a, b));

    /// <summary>Runs a kernel with one thread for each index, and waits for it.</summary>
    internal static void Run<T1, T2, T3>(Action<Index1D, T1, T2, T3> kernel, int threads, T1 a, T2 b, T3 c)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        => Finish(() => Accelerator.LoadAutoGroupedStreamKernel<Index1D, T1, T2, T3>(kernel)(threads, a, b, c));

    /// <summary>Runs a kernel with one thread for each index, and waits for it.</summary>
    internal static void Run<T1, T2, T3, T4>(Action<Index1D, T1, T2, T3, T4> kernel, int threads, T1 a, T2 b, T3 c, T4 d)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        => Finish(() => Accelerator.LoadAutoGroupedStreamKernel<Index1D, T1, T2, T3, T4>(kernel)(threads, a, b, c, d));

    /// <summary>Runs a kernel with one thread for each index, and waits for it.</summary>
    internal static void Run<T1, T2, T3, T4, T5>(Action<Index1D, T1, T2, T3, T4, T5> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        => Finish(() => Accelerator.LoadAutoGroupedStreamKernel<Index1D, T1, T2, T3, T4, T5>(kernel)(threads, a, b, c, d, e));

    /// <summary>Runs a kernel with one thread for each index, and waits for it.</summary>
    internal static void Run<T1, T2, T3, T4, T5, T6>(Action<Index1D, T1, T2, T3, T4, T5, T6> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        => Finish(() => Accelerator.LoadAutoGroupedStreamKernel<Index1D, T1, T2, T3, T4, T5, T6>(kernel)(threads, a, b, c, d, e, f));

    /// <summary>Runs a kernel with groups of 64 threads, and waits for it.</summary>
    internal static void RunGroups<T1, T2>(Action<T1, T2> kernel, int groups, T1 a, T2 b)
        where T1 : struct
        where T2 : struct
        => Finish(() => Accelerator.LoadStreamKernel<T1, T2>(kernel)(new KernelConfig(groups, GroupSize), a, b));

    /// <summary>Runs a kernel with groups of 64 threads, and waits for it.</summary>
    internal static void RunGroups<T1, T2, T3>(Action<T1, T2, T3> kernel, int groups, T1 a, T2 b, T3 c)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        => Finish(() => Accelerator.LoadStreamKernel<T1, T2, T3>(kernel)(new KernelConfig(groups, GroupSize), a, b, c));

    /// <summary>Runs a kernel with groups of 64 threads, and waits for it.</summary>
    internal static void RunGroups<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel, int groups, T1 a, T2 b, T3 c, T4 d)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        => Finish(() => Accelerator.LoadStreamKernel<T1, T2, T3, T4>(kernel)(new KernelConfig(groups, GroupSize), a, b, c, d));

    /// <summary>Runs a kernel with groups of 64 threads, and waits for it.</summary>
    internal static void RunGroups<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel, int groups, T1 a, T2 b, T3 c, T4 d, T5 e)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        => Finish(() => Accelerator.LoadStreamKernel<T1, T2, T3, T4, T5>(kernel)(new KernelConfig(groups, GroupSize), a, b, c, d, e));

    /// <summary>Runs a kernel with groups of 64 threads, and waits for it.</summary>
    internal static void RunGroups<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel, int groups, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        => Finish(() => Accelerator.LoadStreamKernel<T1, T2, T3, T4, T5, T6>(kernel)(new KernelConfig(groups, GroupSize), a, b, c, d, e, f));

    /// <summary>
    /// Runs a kernel as the method that it is, without groups, on the cores that there are. A group of 64 threads takes a millisecond to
    /// begin and end together; whole maps have thousands of groups.
    /// </summary>
    internal static void RunOnCores(int threads, Action<int> thread) => Parallel.For(0, threads, thread);

    private static void Finish(Action launch)
    {
        lock (Gate)
        {
            Ledger.Shared.Clear();
            Ledger.Local.Clear();
            var run = Task.Run(() =>
            {
                launch();
                Accelerator.Synchronize();
            });
            try
            {
                if (run.Wait(Patience))
                    return;
            }
            catch (AggregateException e) when (e.InnerException is InternalCompilerException refused)
            {
                throw new CheckFailedException(
                    "ILGPU can't compile the kernel. Kernels are static methods that use numbers, structs, loops and branches: no objects, "
                    + $"no arrays, no static fields, and XMath instead of Math. ILGPU says: {(refused.InnerException ?? refused).Message}");
            }
            throw new CheckFailedException(
                $"The kernel did not end within {Patience.TotalSeconds} s. Is there a loop whose condition never becomes false?");
        }
    }

    private static CPUAccelerator Open()
    {
        // Two warps of 32 threads on a single multiprocessor.
        var context = Context.Create(builder => builder.EnableAlgorithms().CPU(new CPUDevice(32, 2, 1)));
        return context.GetCPUDevice(0).CreateCPUAccelerator(context, CPUAcceleratorMode.Parallel);
    }
}
