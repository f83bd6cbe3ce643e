// Stand-in for LocalMemory of ILGPU 1.5.3, used where the package feed lacks it.
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>Memory of one thread of a kernel, given back when the thread leaves the kernel.</summary>
internal static class LocalMemory
{
    public static ArrayView<T> Allocate<T>(int extent) where T : unmanaged =>
        LocalArena.OfThisThread.Allocate<T>(extent);

    public static ArrayView1D<T, Stride1D.Dense> Allocate1D<T>(Index1D extent) where T : unmanaged =>
        Allocate<T>(extent.X);
}
