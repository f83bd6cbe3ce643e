using ILGPU;
using ILGPU.Runtime;

namespace Fpn.IlGpu.Course;

/// <summary>An array in global memory, with its ledger.</summary>
public sealed class GlobalArray<T> : IGlobalArray, IDisposable
    where T : unmanaged
{
    private readonly MemoryBuffer1D<T, Stride1D.Dense> buffer;
    private readonly int number;

    internal GlobalArray(string name, T[] values, bool isCounted = true)
    {
        buffer = CourseDevice.Accelerator.Allocate1D<T>(Math.Max(1, values.Length));
        if (values.Length > 0)
            buffer.View.SubView(0, values.Length).CopyFromCPU(values);
        Length = values.Length;
        number = isCounted ? Ledger.Open(name, values.Length) : 0;
    }

    /// <summary>The number of elements.</summary>
    public int Length { get; }

    /// <summary>What kernels take.</summary>
    public GlobalView<T> View => new(buffer.View.SubView(0, Length), number);

    Ledger IGlobalArray.Ledger => Ledger;

    internal Ledger Ledger => Ledger.Of(number);

    /// <summary>Copies the elements to the host.</summary>
    public T[] ToArray()
    {
        var values = new T[Length];
        if (Length > 0)
            buffer.View.SubView(0, Length).CopyToCPU(values);
        return values;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        buffer.Dispose();
        if (number != 0)
            Ledger.Close(number);
    }
}

/// <summary>An array of any type.</summary>
internal interface IGlobalArray
{
    /// <summary>What happened to it.</summary>
    internal Ledger Ledger { get; }
}
