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
}
