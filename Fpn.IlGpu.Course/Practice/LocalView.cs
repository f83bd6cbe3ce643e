using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Course;

/// <summary>A thread's own small array, as the kernels of the course see it: guarded as shared memory is, and not counted.</summary>
public readonly struct LocalView(ArrayView<float> values)
{
    private readonly ArrayView<float> values = values;

    /// <summary>An element.</summary>
    public float this[int index]
    {
        get => LocalAccess.Read(values, index);
        set => LocalAccess.Write(values, index, value);
    }
}

/// <summary>What happens at each access to a thread's own array.</summary>
internal static class LocalAccess
{
    [IntrinsicImplementation]
    public static float Read(ArrayView<float> values, int index)
        => Ledger.Local.IsInside(index, (int)values.Length, isWrite: false) ? values[index] : 0;

    [IntrinsicImplementation]
    public static void Write(ArrayView<float> values, int index, float value)
    {
        if (Ledger.Local.IsInside(index, (int)values.Length, isWrite: true))
            values[index] = value;
    }
}
