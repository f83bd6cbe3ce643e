// Stand-in for KernelLoaders.LoadKernel of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime;

/// <summary>Loads kernels that are launched with a grid and groups: threads of a group run at the same time.</summary>
internal static partial class KernelLoaders
{
    public static Action<AcceleratorStream, KernelConfig, T1> LoadKernel<T1>(
        this Accelerator accelerator,
        Action<T1> action)
        where T1 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1) => stream.RunGroups(config, () => action(p1));
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2> LoadKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action)
        where T1 : struct where T2 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2) => stream.RunGroups(config, () => action(p1, p2));
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3> LoadKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action)
        where T1 : struct where T2 : struct where T3 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3) => stream.RunGroups(config, () => action(p1, p2, p3));
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4> LoadKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4) => stream.RunGroups(config, () => action(p1, p2, p3, p4));
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5> LoadKernel<
        T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5) =>
            stream.RunGroups(config, () => action(p1, p2, p3, p4, p5));
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6> LoadKernel<
        T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6) =>
            stream.RunGroups(config, () => action(p1, p2, p3, p4, p5, p6));
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadKernel<
        T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7) =>
            stream.RunGroups(config, () => action(p1, p2, p3, p4, p5, p6, p7));
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadKernel<
        T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7, p8) =>
            stream.RunGroups(config, () => action(p1, p2, p3, p4, p5, p6, p7, p8));
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> LoadKernel<
        T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9) =>
            stream.RunGroups(config, () => action(p1, p2, p3, p4, p5, p6, p7, p8, p9));
    }
}
