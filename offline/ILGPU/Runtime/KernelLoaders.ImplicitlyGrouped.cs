// Stand-in for KernelLoaders.LoadImplicitlyGroupedKernel of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime;

internal static partial class KernelLoaders
{
    public static Action<AcceleratorStream, TIndex, T1> LoadImplicitlyGroupedKernel<
        TIndex, T1>(
        this Accelerator accelerator,
        Action<TIndex, T1> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4, T5>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7, T8> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9,
        T10> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10,
        T11> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11,
        T12> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12,
        T13> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
        where T13 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }

    public static Action<AcceleratorStream, TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13,
        T14> LoadImplicitlyGroupedKernel<
        TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14>(
        this Accelerator accelerator,
        Action<TIndex, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14> action,
        int customGroupSize)
        where TIndex : struct, IIndex
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
        where T5 : struct where T6 : struct where T7 : struct where T8 : struct
        where T9 : struct where T10 : struct where T11 : struct where T12 : struct
        where T13 : struct where T14 : struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(customGroupSize);
        return accelerator.LoadAutoGroupedKernel(action);
    }
}
