using System.Globalization;
using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace Fpn.IlGpu.Runtime;

// Launching: one method for each number of parameters that a kernel may have.
public sealed partial class Device
{
    private readonly Dictionary<Delegate, Delegate> launchers = [];

    // What every CUDA device allows.
    private const int SimulatedGroupThreads = 1024;

    // Where it is set, it makes a kernel's launcher of the given type, in place of ILGPU.
    private Func<Delegate, Type, Delegate>? simulator;

    /// <summary>
    /// A device of host memory that takes itself for another, and whose kernels someone else runs: so tests run what ILGPU
    /// compiles for CUDA, with the kernels and layouts that CUDA devices get, where there is none.
    /// </summary>
    internal static Device Simulate(DeviceInfo info, Func<Delegate, Type, Delegate> simulator, Precision precision = Precision.Fp32)
    {
        var context = CreateContext(DeviceKind.Cpu);
        var cpu = DeviceList.Choose(context, "cpu", new DeviceOptions()).Device;
        return new Device(context, cpu, info, precision) { simulator = simulator };
    }

    internal void Launch<T1, T2>(
        Action<Index1D, T1, T2> kernel, int threads,
        T1 arg1, T2 arg2)
        where T1 : struct
        where T2 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadAutoGroupedKernel(k));
        if (threads > 0)
            launch(stream, threads, arg1, arg2);
    }

    internal void Launch<T1, T2, T3>(
        Action<Index1D, T1, T2, T3> kernel, int threads,
        T1 arg1, T2 arg2, T3 arg3)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadAutoGroupedKernel(k));
        if (threads > 0)
            launch(stream, threads, arg1, arg2, arg3);
    }

    internal void Launch<T1, T2, T3, T4>(
        Action<Index1D, T1, T2, T3, T4> kernel, int threads,
        T1 arg1, T2 arg2, T3 arg3, T4 arg4)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadAutoGroupedKernel(k));
        if (threads > 0)
            launch(stream, threads, arg1, arg2, arg3, arg4);
    }

    internal void Launch<T1, T2, T3, T4, T5>(
        Action<Index1D, T1, T2, T3, T4, T5> kernel, int threads,
        T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadAutoGroupedKernel(k));
        if (threads > 0)
            launch(stream, threads, arg1, arg2, arg3, arg4, arg5);
    }

    internal void Launch<T1, T2, T3, T4, T5, T6>(
        Action<Index1D, T1, T2, T3, T4, T5, T6> kernel, int threads,
        T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadAutoGroupedKernel(k));
        if (threads > 0)
            launch(stream, threads, arg1, arg2, arg3, arg4, arg5, arg6);
    }

    internal void Launch<T1, T2, T3, T4, T5, T6, T7>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7> kernel, int threads,
        T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadAutoGroupedKernel(k));
        if (threads > 0)
            launch(stream, threads, arg1, arg2, arg3, arg4, arg5, arg6, arg7);
    }

    internal void Launch<T1, T2, T3, T4, T5, T6, T7, T8>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8> kernel, int threads,
        T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7, T8 arg8)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadAutoGroupedKernel(k));
        if (threads > 0)
            launch(stream, threads, arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8);
    }

    internal void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel, int threads,
        T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7, T8 arg8, T9 arg9)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct
        where T9 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadAutoGroupedKernel(k));
        if (threads > 0)
            launch(stream, threads, arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8, arg9);
    }

    /// <summary>How many kernels have been compiled.</summary>
    internal int CompiledKernels
    {
        get
        {
            lock (launchers)
                return launchers.Count;
        }
    }

    /// <summary>Compiles kernels before they are launched. Any thread may do it while another one works with the device.</summary>
    internal void Compile(IEnumerable<Delegate> kernels)
    {
        foreach (var kernel in kernels)
        {
            // A launch of no threads compiles, and does nothing else.
            var types = kernel.GetType().GetGenericArguments();
            var isGrouped = types[0] != typeof(Index1D);
            var name = isGrouped ? nameof(LaunchGroups) : nameof(Launch);
            var own = isGrouped ? types : types[1..];
            object none = isGrouped ? default(KernelConfig) : 0;
            var launch = typeof(Device).GetMethods(BindingFlags.Instance | BindingFlags.NonPublic)
                .Single(m => m.Name == name && m.GetGenericArguments().Length == own.Length)
                .MakeGenericMethod(own);
            launch.Invoke(
                this, BindingFlags.DoNotWrapExceptions, null, [kernel, none, .. own.Select(Activator.CreateInstance)],
                CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The launcher of a kernel: ILGPU compiles the kernel at its first launch on this device.</summary>
    private TLauncher Launcher<TKernel, TLauncher>(TKernel kernel, Func<Accelerator, TKernel, TLauncher> load)
        where TKernel : Delegate
        where TLauncher : Delegate
    {
        // CUDA launches into the context that the thread used last, which may be another device's.
        accelerator.Bind();
        // One kernel after the other: ILGPU takes a hundred times as long for several at once.
        lock (launchers)
        {
            if (!launchers.TryGetValue(kernel, out var launcher))
                launchers[kernel] = launcher = simulator?.Invoke(kernel, typeof(TLauncher)) ?? load(accelerator, kernel);
            return (TLauncher)launcher;
        }
    }
}
