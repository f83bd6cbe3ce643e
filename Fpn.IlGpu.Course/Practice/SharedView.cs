using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Course;

/// <summary>
/// Shared memory, as the kernels of the course see it: a small array that the threads of one group share. It counts and guards accesses
/// as <see cref="GlobalView{T}"/> does.
/// </summary>
/// <example><code>var tile = new SharedView(SharedMemory.Allocate&lt;float&gt;(100));</code></example>
public readonly struct SharedView(ArrayView<float> values)
{
    private readonly ArrayView<float> values = values;

    /// <summary>An element.</summary>
    public float this[int index]
    {
        get => SharedAccess.Read(values, index);
        set => SharedAccess.Write(values, index, value);
    }
}

/// <summary>What happens at each access to shared memory.</summary>
internal static class SharedAccess
{
    [IntrinsicImplementation]
    public static float Read(ArrayView<float> values, int index)
        => Ledger.Shared.Read(index, (int)values.Length) ? values[index] : 0;

    [IntrinsicImplementation]
    public static void Write(ArrayView<float> values, int index, float value)
    {
        if (Ledger.Shared.Write(index, (int)values.Length))
            values[index] = value;
    }
}
