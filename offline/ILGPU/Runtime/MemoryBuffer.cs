// Stand-in for MemoryBuffer and MemoryBuffer1D of ILGPU 1.5.3, used where the package feed lacks it.
using System.Runtime.InteropServices;

namespace ILGPU.Runtime;

/// <summary>Memory of an accelerator: native, so that views are plain pointers, and aligned to a cache line.</summary>
internal abstract unsafe class MemoryBuffer : IDisposable
{
    private const int Alignment = 64;

    private protected MemoryBuffer(Accelerator accelerator, long length, int elementSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Accelerator = accelerator;
        Length = length;
        ElementSize = elementSize;
        nuint bytes = (nuint)Math.Max(Alignment, LengthInBytes);
        void* memory = NativeMemory.AlignedAlloc(bytes, Alignment);
        // Not zero, as on a device: a kernel that reads what nobody wrote gets the same NaN on every run.
        NativeMemory.Fill(memory, bytes, 0xFF);
        NativePtr = (nint)memory;
        accelerator.Adopt(this);
    }

    public Accelerator Accelerator { get; }

    public long Length { get; }

    public int ElementSize { get; }

    public long LengthInBytes => checked(Length * ElementSize);

    public nint NativePtr { get; private set; }

    public bool IsDisposed => NativePtr == 0;

    public void Dispose()
    {
        if (NativePtr == 0)
            return;
        Accelerator.Forget(this);
        NativeMemory.AlignedFree((void*)NativePtr);
        NativePtr = 0;
    }
}

/// <summary>Memory with the view that shows all of it.</summary>
internal abstract class MemoryBuffer<TView> : MemoryBuffer where TView : struct
{
    private protected MemoryBuffer(Accelerator accelerator, long length, int elementSize)
        : base(accelerator, length, elementSize)
    {
    }

    public TView View { get; private protected init; }

    public bool IsValid => !IsDisposed;

    public TView ToArrayView() => View;

    public static implicit operator TView(MemoryBuffer<TView> buffer) => buffer.View;
}

/// <summary>A row of elements.</summary>
internal sealed class MemoryBuffer1D<T, TStride> : MemoryBuffer<ArrayView1D<T, TStride>>
    where T : unmanaged
    where TStride : unmanaged
{
    internal unsafe MemoryBuffer1D(Accelerator accelerator, long length)
        : base(accelerator, length, sizeof(T)) =>
        View = new(new ArrayView<T>((T*)NativePtr, length));

    public LongIndex1D Extent => Length;

    public Index1D IntExtent => checked((int)Length);

    public ArrayView<T> AsContiguous() => View.BaseView;
}
