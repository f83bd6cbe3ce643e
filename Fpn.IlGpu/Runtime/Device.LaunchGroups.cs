using ILGPU;
using ILGPU.Runtime;

namespace Fpn.IlGpu.Runtime;

// Launching groups: one method for each number of parameters that a kernel may have.
public sealed partial class Device
{
    internal void LaunchGroups<T1>(
        Action<T1> kernel, KernelConfig config,
        T1 arg1)
        where T1 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadKernel(k));
        if (config.Size > 0)
            launch(stream, config, arg1);
    }

    internal void LaunchGroups<T1, T2>(
        Action<T1, T2> kernel, KernelConfig config,
        T1 arg1, T2 arg2)
        where T1 : struct
        where T2 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadKernel(k));
        if (config.Size > 0)
            launch(stream, config, arg1, arg2);
    }

    internal void LaunchGroups<T1, T2, T3>(
        Action<T1, T2, T3> kernel, KernelConfig config,
        T1 arg1, T2 arg2, T3 arg3)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadKernel(k));
        if (config.Size > 0)
            launch(stream, config, arg1, arg2, arg3);
    }

    internal void LaunchGroups<T1, T2, T3, T4>(
        Action<T1, T2, T3, T4> kernel, KernelConfig config,
        T1 arg1, T2 arg2, T3 arg3, T4 arg4)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadKernel(k));
        if (config.Size > 0)
            launch(stream, config, arg1, arg2, arg3, arg4);
    }

    internal void LaunchGroups<T1, T2, T3, T4, T5>(
        Action<T1, T2, T3, T4, T5> kernel, KernelConfig config,
        T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadKernel(k));
        if (config.Size > 0)
            launch(stream, config, arg1, arg2, arg3, arg4, arg5);
    }

    internal void LaunchGroups<T1, T2, T3, T4, T5, T6>(
        Action<T1, T2, T3, T4, T5, T6> kernel, KernelConfig config,
        T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadKernel(k));
        if (config.Size > 0)
            launch(stream, config, arg1, arg2, arg3, arg4, arg5, arg6);
    }

    internal void LaunchGroups<T1, T2, T3, T4, T5, T6, T7>(
        Action<T1, T2, T3, T4, T5, T6, T7> kernel, KernelConfig config,
        T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
    {
        var launch = Launcher(kernel, static (a, k) => a.LoadKernel(k));
        if (config.Size > 0)
            launch(stream, config, arg1, arg2, arg3, arg4, arg5, arg6, arg7);
    }

    internal void LaunchGroups<T1, T2, T3, T4, T5, T6, T7, T8>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel, KernelConfig config,
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
        var launch = Launcher(kernel, static (a, k) => a.LoadKernel(k));
        if (config.Size > 0)
            launch(stream, config, arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8);
    }

    internal void LaunchGroups<T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel, KernelConfig config,
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
        var launch = Launcher(kernel, static (a, k) => a.LoadKernel(k));
        if (config.Size > 0)
            launch(stream, config, arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8, arg9);
    }
}
