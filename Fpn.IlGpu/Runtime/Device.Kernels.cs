using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace Fpn.IlGpu.Runtime;

// Compiling and loading kernels.
public sealed partial class Device
{
    private readonly Dictionary<Delegate, Delegate> launchers = [];

    // On a CPU, kernels are called as ordinary methods.
    private readonly CpuWorkers? workers;

    // If set, makes a kernel's launcher of the given type instead of ILGPU.
    private Func<Delegate, Type, Delegate>? simulator;

    /// <summary>How many kernels have been compiled.</summary>
    internal int CompiledKernels
    {
        get
        {
            lock (launchers)
                return launchers.Count;
        }
    }

    /// <summary>
    /// Makes a device with host memory that poses as another device and hands its kernels to a simulator. Tests use it to run
    /// CUDA's kernels and layouts where there is no GPU.
    /// </summary>
    internal static Device Simulate(DeviceInfo info, Func<Delegate, Type, Delegate> simulator, Precision precision = Precision.Fp32)
    {
        var context = CreateContext(DeviceKind.Cpu);
        var cpu = DeviceList.Choose(context, "cpu", new DeviceOptions()).Device;
        return new Device(context, cpu, info, precision) { simulator = simulator };
    }

    /// <summary>Compiles kernels before they are launched. Any thread may do it while another one works with the device.</summary>
    internal void Compile(IEnumerable<Delegate> kernels)
    {
        foreach (var kernel in kernels)
        {
            var types = kernel.GetType().GetGenericArguments();
            Type[] first = types[0] == typeof(Index1D)
                ? [typeof(AcceleratorStream)]
                : [typeof(AcceleratorStream), typeof(KernelConfig)];
            Compile(kernel, Expression.GetActionType([.. first, .. types]));
        }
    }

    /// <summary>Runs all threads of a kernel if the device is the CPU; else the caller has to launch it, unless there are none.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="threads">The number of its threads.</param>
    /// <param name="state">The kernel and its arguments.</param>
    /// <param name="thread">Calls the kernel for one thread; a function without captured variables, so that a launch allocates none.</param>
    private bool RunHere<TState>(Delegate kernel, int threads, in TState state, Action<CpuCall<TState>, int> thread)
    {
        if (workers is null || simulator is not null)
            return threads <= 0;
        Compile(kernel, kernel.GetType());
        var call = CpuCall<TState>.OfThisThread;
        call.Begin(state, thread);
        try
        {
            workers.Run(threads, call.Run);
        }
        finally
        {
            call.End();
        }
        return true;
    }

    /// <summary>The launcher of a kernel, which takes the stream, how many threads or groups, and the kernel's arguments.</summary>
    private TLauncher Launcher<TLauncher>(Delegate kernel)
        where TLauncher : Delegate
        => (TLauncher)Compile(kernel, typeof(TLauncher));

    private Delegate Compile(Delegate kernel, Type launcherType)
    {
        // CUDA launches into the context that this thread used last, which may belong to another device.
        accelerator.Bind();
        // One kernel at a time: ILGPU takes a hundred times as long to compile several concurrently.
        lock (launchers)
        {
            if (!launchers.TryGetValue(kernel, out var launcher))
                launchers[kernel] = launcher = simulator?.Invoke(kernel, launcherType) ?? Load(kernel, launcherType);
            return launcher;
        }
    }

    private Delegate Load(Delegate kernel, Type launcherType)
    {
        if (workers is not null)
        {
            RuntimeHelpers.PrepareMethod(kernel.Method.MethodHandle);
            return kernel;
        }
        var isGrouped = launcherType.GenericTypeArguments[1] == typeof(KernelConfig);
        var loaded = isGrouped ? accelerator.LoadKernel(kernel.Method) : accelerator.LoadAutoGroupedKernel(kernel.Method);
        return loaded.Launcher!.CreateDelegate(launcherType, loaded);
    }
}
