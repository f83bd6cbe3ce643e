// Stand-in for Group of ILGPU 1.5.3, used where the package feed lacks it.
using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>The group that the current thread of a kernel belongs to.</summary>
internal static class Group
{
    public static int IdxX => Index.X;

    public static int IdxY => Index.Y;

    public static int IdxZ => Index.Z;

    public static Index3D Index => GroupThread.Current.IndexInGroup;

    public static int DimX => Dimension.X;

    public static int DimY => Dimension.Y;

    public static int DimZ => Dimension.Z;

    public static Index3D Dimension => GroupThread.Current.Launch.GroupDim;

    public static int LinearIndex => GroupThread.Current.Index;

    public static bool IsFirstThread => LinearIndex == 0;

    public static bool IsLastThread => LinearIndex == GroupThread.Current.Launch.Threads - 1;

    public static void Barrier() => GroupThread.Current.Launch.Barrier.Arrive();
}
