// Stand-in for KernelLoaders.LoadKernel and LoadStreamKernel of ILGPU 1.5.3, used where the package feed lacks it.
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

    public static Action<KernelConfig, T1> LoadStreamKernel<T1>(
        this Accelerator accelerator,
        Action<T1> action)
        where T1 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1) => kernel(accelerator.DefaultStream, config, p1);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2> LoadKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action)
        where T1 : struct where T2 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2) => stream.RunGroups(config, () => action(p1, p2));
    }

    public static Action<KernelConfig, T1, T2> LoadStreamKernel<T1, T2>(
        this Accelerator accelerator,
        Action<T1, T2> action)
        where T1 : struct where T2 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2) => kernel(accelerator.DefaultStream, config, p1, p2);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3> LoadKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action)
        where T1 : struct where T2 : struct where T3 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3) => stream.RunGroups(config, () => action(p1, p2, p3));
    }

    public static Action<KernelConfig, T1, T2, T3> LoadStreamKernel<T1, T2, T3>(
        this Accelerator accelerator,
        Action<T1, T2, T3> action)
        where T1 : struct where T2 : struct where T3 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3) => kernel(accelerator.DefaultStream, config, p1, p2, p3);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4> LoadKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4) => stream.RunGroups(config, () => action(p1, p2, p3, p4));
    }

    public static Action<KernelConfig, T1, T2, T3, T4> LoadStreamKernel<T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4) => kernel(accelerator.DefaultStream, config, p1, p2, p3, p4);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5> LoadKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5) => stream.RunGroups(config, () => action(p1, p2, p3, p4, p5));
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5> LoadStreamKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4, p5) => kernel(accelerator.DefaultStream, config, p1, p2, p3, p4, p5);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6> LoadKernel<T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6) => stream.RunGroups(config, () =>
            action(p1, p2, p3, p4, p5, p6));
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadStreamKernel<T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4, p5, p6) => kernel(accelerator.DefaultStream, config, p1, p2, p3, p4, p5, p6);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadKernel<T1, T2, T3, T4, T5,
        T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7) => stream.RunGroups(config, () =>
            action(p1, p2, p3, p4, p5, p6, p7));
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4, p5, p6, p7) =>
            kernel(accelerator.DefaultStream, config, p1, p2, p3, p4, p5, p6, p7);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadKernel<T1, T2, T3, T4,
        T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7, p8) => stream.RunGroups(config, () =>
            action(p1, p2, p3, p4, p5, p6, p7, p8));
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4, p5, p6, p7, p8) =>
            kernel(accelerator.DefaultStream, config, p1, p2, p3, p4, p5, p6, p7, p8);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> LoadKernel<T1, T2, T3,
        T4, T5, T6, T7, T8, T9>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9) => stream.RunGroups(config, () =>
            action(p1, p2, p3, p4, p5, p6, p7, p8, p9));
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> LoadStreamKernel<T1, T2, T3, T4, T5, T6,
        T7, T8, T9>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4, p5, p6, p7, p8, p9) =>
            kernel(accelerator.DefaultStream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> LoadKernel<T1, T2,
        T3, T4, T5, T6, T7, T8, T9, T10>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10) => stream.RunGroups(config, () =>
            action(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10));
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> LoadStreamKernel<T1, T2, T3, T4, T5,
        T6, T7, T8, T9, T10>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10) =>
            kernel(accelerator.DefaultStream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10,
        T11> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11) => stream.RunGroups(config, () =>
            action(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11));
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> LoadStreamKernel<T1, T2, T3, T4,
        T5, T6, T7, T8, T9, T10, T11>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11) =>
            kernel(accelerator.DefaultStream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11,
        T12> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12) => stream.RunGroups(config, () =>
            action(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12));
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> LoadStreamKernel<T1, T2,
        T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12) =>
            kernel(accelerator.DefaultStream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12,
        T13> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
        where T13 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13) =>
            stream.RunGroups(config, () => action(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13));
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> LoadStreamKernel<T1,
        T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
        where T13 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13) =>
            kernel(accelerator.DefaultStream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13);
    }

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13,
        T14> LoadKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
        where T13 : struct where T14 : struct
    {
        KernelCheck.Verify(action);
        return (stream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14) =>
            stream.RunGroups(config, () => action(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14));
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13,
        T14> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14>(
        this Accelerator accelerator,
        Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14> action)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
        where T13 : struct where T14 : struct
    {
        var kernel = accelerator.LoadKernel(action);
        return (config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14) =>
            kernel(accelerator.DefaultStream, config, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14);
    }
}
