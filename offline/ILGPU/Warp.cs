// Stand-in for Warp of ILGPU 1.5.3, used where the package feed lacks it.
using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>The threads of a group that a device runs in step.</summary>
internal static class Warp
{
    public static int WarpSize => GroupThread.Current.Launch.WarpSize;

    public static int LaneIdx => GroupThread.Current.Index % WarpSize;

    public static int WarpIdx => GroupThread.Current.Index / WarpSize;

    public static bool IsFirstLane => LaneIdx == 0;

    public static bool IsLastLane => LaneIdx == WarpSize - 1;

    public static void Barrier() => GroupThread.Current.Launch.WarpBarriers[WarpIdx].Arrive();
}
