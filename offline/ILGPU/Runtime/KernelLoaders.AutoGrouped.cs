// Stand-in for KernelLoaders.LoadAutoGroupedKernel of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime;

/// <summary>Loads kernels whose groups the runtime chooses: one call of the kernel for every index.</summary>
internal static partial class KernelLoaders
{
    public static Action<AcceleratorStream, TIndex, T1> LoadAutoGroupedKernel<
        TIndex, T1>(
        this Accelerator accelerator,
        Action<TIndex, T1> action)
        where TIndex : struct, IIndex
        where T1 : struct
    {
        KernelCheck.Verify(action);
        return (stream, extent, p1) => stream.Run(extent.LongSize, (begin, end, local) =>
        {
            for (long i = begin; i < end; i++)
            {
                action(IndexOf<TIndex>.At(i, extent), p1);
                local.Clear();
            }
        });
    }

    public static Action<AcceleratorStream, TIndex, T1, T2> LoadAutoGroupedKernel<
        TIndex, T1, T2>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct
    {
        KernelCheck.Verify(action);
        return (stream, extent, p1, p2) => stream.Run(extent.LongSize, (begin, end, local) =>
        {
            for (long i = begin; i < end; i++)
            {
                action(IndexOf<TIndex>.At(i, extent), p1, p2);
                local.Clear();
            }
        });
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3> LoadAutoGroupedKernel<
        TIndex, T1, T2, T3>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct
    {
        KernelCheck.Verify(action);
        return (stream, extent, p1, p2, p3) => stream.Run(extent.LongSize, (begin, end, local) =>
        {
            for (long i = begin; i < end; i++)
            {
                action(IndexOf<TIndex>.At(i, extent), p1, p2, p3);
                local.Clear();
            }
        });
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4> LoadAutoGroupedKernel<
        TIndex, T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        KernelCheck.Verify(action);
        return (stream, extent, p1, p2, p3, p4) => stream.Run(extent.LongSize, (begin, end, local) =>
        {
            for (long i = begin; i < end; i++)
            {
                action(IndexOf<TIndex>.At(i, extent), p1, p2, p3, p4);
                local.Clear();
            }
        });
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5> LoadAutoGroupedKernel<
        TIndex, T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct
    {
        KernelCheck.Verify(action);
        return (stream, extent, p1, p2, p3, p4, p5) => stream.Run(extent.LongSize, (begin, end, local) =>
        {
            for (long i = begin; i < end; i++)
            {
                action(IndexOf<TIndex>.At(i, extent), p1, p2, p3, p4, p5);
                local.Clear();
            }
        });
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6> LoadAutoGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct
    {
        KernelCheck.Verify(action);
        return (stream, extent, p1, p2, p3, p4, p5, p6) => stream.Run(extent.LongSize, (begin, end, local) =>
        {
            for (long i = begin; i < end; i++)
            {
                action(IndexOf<TIndex>.At(i, extent), p1, p2, p3, p4, p5, p6);
                local.Clear();
            }
        });
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7> LoadAutoGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct
    {
        KernelCheck.Verify(action);
        return (stream, extent, p1, p2, p3, p4, p5, p6, p7) => stream.Run(extent.LongSize, (begin, end, local) =>
        {
            for (long i = begin; i < end; i++)
            {
                action(IndexOf<TIndex>.At(i, extent), p1, p2, p3, p4, p5, p6, p7);
                local.Clear();
            }
        });
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7, T8> LoadAutoGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
    {
        KernelCheck.Verify(action);
        return (stream, extent, p1, p2, p3, p4, p5, p6, p7, p8) => stream.Run(extent.LongSize, (begin, end, local) =>
        {
            for (long i = begin; i < end; i++)
            {
                action(IndexOf<TIndex>.At(i, extent), p1, p2, p3, p4, p5, p6, p7, p8);
                local.Clear();
            }
        });
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9> LoadAutoGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9> action)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct
    {
        KernelCheck.Verify(action);
        return (stream, extent, p1, p2, p3, p4, p5, p6, p7, p8, p9) =>
            stream.Run(extent.LongSize, (begin, end, local) =>
        {
            for (long i = begin; i < end; i++)
            {
                action(IndexOf<TIndex>.At(i, extent), p1, p2, p3, p4, p5, p6, p7, p8, p9);
                local.Clear();
            }
        });
    }
}
