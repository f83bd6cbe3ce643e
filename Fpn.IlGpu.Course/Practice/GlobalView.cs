using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Course;

/// <summary>
/// Global memory, as the kernels of the course see it: an array that all threads share. It reads and writes like ILGPU's ArrayView, but
/// counts each access, and reports an index outside the array instead of reading or destroying something else.
/// </summary>
public readonly struct GlobalView<T>
    where T : unmanaged
{
    private readonly ArrayView<T> values;
    private readonly int ledger;

    internal GlobalView(ArrayView<T> values, int ledger)
    {
        this.values = values;
        this.ledger = ledger;
    }

    /// <summary>An element.</summary>
    public T this[int index]
    {
        get => GlobalAccess.Read(values, ledger, index);
        set => GlobalAccess.Write(values, ledger, index, value);
    }
}

/// <summary>What happens at each access. ILGPU's CPU accelerator calls these methods as they are, so they may do anything.</summary>
internal static class GlobalAccess
{
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Read<T>(ArrayView<T> values, int ledger, int index)
        where T : unmanaged
    {
        if (ledger != 0 && !Ledger.Of(ledger).Read(index))
            return default;
        return (uint)index < (uint)values.Length ? values[index] : default;
    }

    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<T>(ArrayView<T> values, int ledger, int index, T value)
        where T : unmanaged
    {
        if (ledger != 0 && !Ledger.Of(ledger).Write(index))
            return;
        if ((uint)index < (uint)values.Length)
            values[index] = value;
    }
}
