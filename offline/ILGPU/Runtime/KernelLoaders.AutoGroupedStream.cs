// Stand-in for KernelLoaders.LoadAutoGroupedStreamKernel of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime;

internal static partial class KernelLoaders
{
    public static Action<TIndex, T1> LoadAutoGroupedStreamKernel<
        TIndex, T1>(
        this Accelerator accelerator,
        Action<TIndex, T1> action)
        where TIndex : struct, IIndex
        where T1 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1) => kernel(accelerator.DefaultStream, index, p1);
    }

    public static Action<TIndex, T1, T2> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2) => kernel(accelerator.DefaultStream, index, p1, p2);
    }

    public static Action<TIndex, T1, T2, T3> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3) => kernel(accelerator.DefaultStream, index, p1, p2, p3);
    }

    public static Action<TIndex, T1, T2, T3, T4> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4) => kernel(accelerator.DefaultStream, index, p1, p2, p3, p4);
    }

    public static Action<TIndex, T1, T2, T3, T4, T5> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4, p5) => kernel(accelerator.DefaultStream, index, p1, p2, p3, p4, p5);
    }

    public static Action<TIndex, T1, T2, T3, T4, T5, T6> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4, p5, p6) => kernel(accelerator.DefaultStream, index, p1, p2, p3, p4, p5, p6);
    }

    public static Action<TIndex, T1, T2, T3, T4, T5, T6, T7> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4, p5, p6, p7) =>
            kernel(accelerator.DefaultStream, index, p1, p2, p3, p4, p5, p6, p7);
    }

    public static Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4, p5, p6, p7, p8) =>
            kernel(accelerator.DefaultStream, index, p1, p2, p3, p4, p5, p6, p7, p8);
    }

    public static Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4, p5, p6, p7, p8, p9) =>
            kernel(accelerator.DefaultStream, index, p1, p2, p3, p4, p5, p6, p7, p8, p9);
    }

    public static Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10) =>
            kernel(accelerator.DefaultStream, index, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10);
    }

    public static Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11) =>
            kernel(accelerator.DefaultStream, index, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11);
    }

    public static Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12) =>
            kernel(accelerator.DefaultStream, index, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12);
    }

    public static Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
        where T13 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13) =>
            kernel(accelerator.DefaultStream, index, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13);
    }

    public static Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13,
        T14> LoadAutoGroupedStreamKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
        where T13 : struct where T14 : struct
    {
        var kernel = accelerator.LoadAutoGroupedKernel(action);
        return (index, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14) =>
            kernel(accelerator.DefaultStream, index, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14);
    }
}
