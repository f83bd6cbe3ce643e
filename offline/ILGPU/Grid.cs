// Stand-in for Grid of ILGPU 1.5.3, used where the package feed lacks it.
using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>The grid of groups that a kernel was launched with.</summary>
internal static class Grid
{
    public static int IdxX => Index.X;

    public static int IdxY => Index.Y;

    public static int IdxZ => Index.Z;

    public static Index3D Index => GroupThread.Current.Group;

    public static int DimX => Dimension.X;

    public static int DimY => Dimension.Y;

    public static int DimZ => Dimension.Z;

    public static Index3D Dimension => GroupThread.Current.Launch.GridDim;

    public static int LinearIndex => (Index.Z * DimY + Index.Y) * DimX + Index.X;

    public static Index3D GlobalIndex => Index * Group.Dimension + Group.Index;

    public static LongIndex3D LongGlobalIndex =>
        Index.ToLongIndex() * Group.Dimension.ToLongIndex() + Group.Index.ToLongIndex();

    public static int GlobalLinearIndex => LinearIndex * Group.Dimension.Size + Group.LinearIndex;
}
