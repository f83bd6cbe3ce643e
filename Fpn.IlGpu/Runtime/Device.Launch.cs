using ILGPU;
using ILGPU.Runtime;

namespace Fpn.IlGpu.Runtime;

// Launching: one method for each number of parameters that a kernel may have. All of them are structs.
public sealed partial class Device
{
    internal void Launch<T1, T2>(Action<Index1D, T1, T2> kernel, int threads, T1 a, T2 b)
    {
        LaunchLog?.Begin(kernel, threads, a, b);
        if (!RunHere(kernel, threads, (kernel, a, b), static (call, n) => call.State.kernel(n, call.State.a, call.State.b)))
            Launcher<Action<AcceleratorStream, Index1D, T1, T2>>(kernel)(stream, threads, a, b);
    }

    internal void Launch<T1, T2, T3>(Action<Index1D, T1, T2, T3> kernel, int threads, T1 a, T2 b, T3 c)
    {
        LaunchLog?.Begin(kernel, threads, a, b, c);
        if (!RunHere(
            kernel, threads, (kernel, a, b, c),
            static (call, n) => call.State.kernel(n, call.State.a, call.State.b, call.State.c)))
        {
            Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3>>(kernel)(stream, threads, a, b, c);
        }
    }

    internal void Launch<T1, T2, T3, T4>(Action<Index1D, T1, T2, T3, T4> kernel, int threads, T1 a, T2 b, T3 c, T4 d)
    {
        LaunchLog?.Begin(kernel, threads, a, b, c, d);
        if (!RunHere(
            kernel, threads, (kernel, a, b, c, d),
            static (call, n) => call.State.kernel(n, call.State.a, call.State.b, call.State.c, call.State.d)))
        {
            Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4>>(kernel)(stream, threads, a, b, c, d);
        }
    }

    internal void Launch<T1, T2, T3, T4, T5>(Action<Index1D, T1, T2, T3, T4, T5> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e)
    {
        LaunchLog?.Begin(kernel, threads, a, b, c, d, e);
        if (!RunHere(
            kernel, threads, (kernel, a, b, c, d, e),
            static (call, n) => call.State.kernel(n, call.State.a, call.State.b, call.State.c, call.State.d, call.State.e)))
        {
            Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5>>(kernel)(stream, threads, a, b, c, d, e);
        }
    }

    internal void Launch<T1, T2, T3, T4, T5, T6>(
        Action<Index1D, T1, T2, T3, T4, T5, T6> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f)
    {
        LaunchLog?.Begin(kernel, threads, a, b, c, d, e, f);
        if (!RunHere(
            kernel, threads, (kernel, a, b, c, d, e, f),
            static (call, n) => call.State.kernel(n, call.State.a, call.State.b, call.State.c, call.State.d, call.State.e, call.State.f)))
        {
            Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6>>(kernel)(stream, threads, a, b, c, d, e, f);
        }
    }

    internal void Launch<T1, T2, T3, T4, T5, T6, T7>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g)
    {
        LaunchLog?.Begin(kernel, threads, a, b, c, d, e, f, g);
        if (!RunHere(
            kernel, threads, (kernel, a, b, c, d, e, f, g),
            static (call, n) => call.State.kernel(n, call.State.a, call.State.b, call.State.c, call.State.d,
                call.State.e, call.State.f, call.State.g)))
        {
            Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7>>(kernel)(stream, threads, a, b, c, d, e, f, g);
        }
    }

    internal void Launch<T1, T2, T3, T4, T5, T6, T7, T8>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h)
    {
        LaunchLog?.Begin(kernel, threads, a, b, c, d, e, f, g, h);
        if (!RunHere(
            kernel, threads, (kernel, a, b, c, d, e, f, g, h),
            static (call, n) => call.State.kernel(n, call.State.a, call.State.b, call.State.c, call.State.d,
                call.State.e, call.State.f, call.State.g, call.State.h)))
        {
            Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8>>(kernel)(stream, threads, a, b, c, d, e, f, g, h);
        }
    }

    internal void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h, T9 i)
    {
        LaunchLog?.Begin(kernel, threads, a, b, c, d, e, f, g, h, i);
        if (!RunHere(
            kernel, threads, (kernel, a, b, c, d, e, f, g, h, i),
            static (call, n) => call.State.kernel(n, call.State.a, call.State.b, call.State.c, call.State.d,
                call.State.e, call.State.f, call.State.g, call.State.h, call.State.i)))
        {
            Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9>>(kernel)(
                stream, threads, a, b, c, d, e, f, g, h, i);
        }
    }

    internal void LaunchGroups<T1>(Action<T1> kernel, KernelConfig config, T1 a)
    {
        LaunchLog?.Begin(kernel, config, a);
        if (config.Size > 0)
            Launcher<Action<AcceleratorStream, KernelConfig, T1>>(kernel)(stream, config, a);
    }

    internal void LaunchGroups<T1, T2>(Action<T1, T2> kernel, KernelConfig config, T1 a, T2 b)
    {
        LaunchLog?.Begin(kernel, config, a, b);
        if (config.Size > 0)
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2>>(kernel)(stream, config, a, b);
    }

    internal void LaunchGroups<T1, T2, T3>(Action<T1, T2, T3> kernel, KernelConfig config, T1 a, T2 b, T3 c)
    {
        LaunchLog?.Begin(kernel, config, a, b, c);
        if (config.Size > 0)
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3>>(kernel)(stream, config, a, b, c);
    }

    internal void LaunchGroups<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel, KernelConfig config, T1 a, T2 b, T3 c, T4 d)
    {
        LaunchLog?.Begin(kernel, config, a, b, c, d);
        if (config.Size > 0)
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4>>(kernel)(stream, config, a, b, c, d);
    }

    internal void LaunchGroups<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel, KernelConfig config, T1 a, T2 b, T3 c, T4 d, T5 e)
    {
        LaunchLog?.Begin(kernel, config, a, b, c, d, e);
        if (config.Size > 0)
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5>>(kernel)(stream, config, a, b, c, d, e);
    }

    internal void LaunchGroups<T1, T2, T3, T4, T5, T6>(
        Action<T1, T2, T3, T4, T5, T6> kernel, KernelConfig config, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f)
    {
        LaunchLog?.Begin(kernel, config, a, b, c, d, e, f);
        if (config.Size > 0)
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6>>(kernel)(stream, config, a, b, c, d, e, f);
    }

    internal void LaunchGroups<T1, T2, T3, T4, T5, T6, T7>(
        Action<T1, T2, T3, T4, T5, T6, T7> kernel, KernelConfig config, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g)
    {
        LaunchLog?.Begin(kernel, config, a, b, c, d, e, f, g);
        if (config.Size > 0)
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7>>(kernel)(stream, config, a, b, c, d, e, f, g);
    }

    internal void LaunchGroups<T1, T2, T3, T4, T5, T6, T7, T8>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel, KernelConfig config, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h)
    {
        LaunchLog?.Begin(kernel, config, a, b, c, d, e, f, g, h);
        if (config.Size > 0)
        {
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8>>(kernel)(
                stream, config, a, b, c, d, e, f, g, h);
        }
    }

    internal void LaunchGroups<T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel, KernelConfig config, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h, T9 i)
    {
        LaunchLog?.Begin(kernel, config, a, b, c, d, e, f, g, h, i);
        if (config.Size > 0)
        {
            Launcher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9>>(kernel)(
                stream, config, a, b, c, d, e, f, g, h, i);
        }
    }
}
