// Stand-in for Warp of ILGPU 1.5.3, used where the package feed lacks it.
using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>The calling thread's warp.</summary>
internal static class Warp
{
    public static void Barrier()
    {
        var thread = GroupThread.Current;
        thread.Launch.WarpBarriers[thread.Index / thread.Launch.WarpSize].Arrive();
    }
}
