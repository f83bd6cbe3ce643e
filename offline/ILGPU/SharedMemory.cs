// Stand-in for SharedMemory of ILGPU 1.5.3, used where the package feed lacks it.
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>Memory that the threads of a group share.</summary>
internal static class SharedMemory
{
    public static ref T Allocate<T>() where T : unmanaged => ref Allocate<T>(1)[0];

    public static ArrayView<T> Allocate<T>(int extent) where T : unmanaged =>
        GroupThread.Current.AllocateShared<T>(extent);

    public static ArrayView1D<T, Stride1D.Dense> Allocate1D<T>(Index1D extent) where T : unmanaged =>
        Allocate<T>(extent.X);

    public static unsafe ArrayView<T> GetDynamic<T>() where T : unmanaged =>
        Allocate<T>(GroupThread.Current.Launch.DynamicSharedBytes / sizeof(T));
}
