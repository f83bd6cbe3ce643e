// Stand-in for ArrayViewExtensions of ILGPU 1.5.3, used where the package feed lacks it.
using System.Runtime.InteropServices;

namespace ILGPU.Runtime;

/// <summary>Fills views, and copies between them and from and to memory of the program; finished on return.</summary>
internal static unsafe class ArrayViewExtensions
{
    public static ArrayView1D<T, Stride1D.Dense> AsDense<T>(this ArrayView<T> view) where T : unmanaged => view;

    public static nint LoadEffectiveAddressAsPtr<T>(this ArrayView<T> view) where T : unmanaged => (nint)view.Start;

    public static MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(this Accelerator accelerator, T[] data)
        where T : unmanaged =>
        accelerator.Allocate1D(accelerator.DefaultStream, data);

    public static MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(
        this Accelerator accelerator,
        AcceleratorStream stream,
        T[] data)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(data);
        var buffer = accelerator.Allocate1D<T>(data.LongLength);
        Fetch<T>(buffer.View, data);
        return buffer;
    }

    public static void MemSetToZero<T>(this ArrayView<T> view) where T : unmanaged =>
        Fill(view, 0);

    public static void MemSetToZero<T>(this ArrayView<T> view, AcceleratorStream stream)
        where T : unmanaged =>
        Fill(view, 0);

    public static void MemSet<T>(this ArrayView<T> view, byte value) where T : unmanaged =>
        Fill(view, value);

    public static void MemSet<T>(this ArrayView<T> view, AcceleratorStream stream, byte value)
        where T : unmanaged =>
        Fill(view, value);

    public static void MemSetToZero<T>(this ArrayView1D<T, Stride1D.Dense> view) where T : unmanaged =>
        Fill(view.BaseView, 0);

    public static void MemSetToZero<T>(this ArrayView1D<T, Stride1D.Dense> view, AcceleratorStream stream)
        where T : unmanaged =>
        Fill(view.BaseView, 0);

    public static void MemSet<T>(this ArrayView1D<T, Stride1D.Dense> view, byte value) where T : unmanaged =>
        Fill(view.BaseView, value);

    public static void MemSet<T>(this ArrayView1D<T, Stride1D.Dense> view, AcceleratorStream stream, byte value)
        where T : unmanaged =>
        Fill(view.BaseView, value);

    public static void MemSetToZero<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> view) where T : unmanaged =>
        Fill(view.View.BaseView, 0);

    public static void MemSetToZero<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> view, AcceleratorStream stream)
        where T : unmanaged =>
        Fill(view.View.BaseView, 0);

    public static void MemSet<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> view,
        byte value) where T : unmanaged =>
        Fill(view.View.BaseView, value);

    public static void MemSet<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> view, AcceleratorStream stream,
        byte value)
        where T : unmanaged =>
        Fill(view.View.BaseView, value);

    public static void CopyTo<T>(this ArrayView<T> source, in ArrayView<T> target) where T : unmanaged =>
        Move(source, target);

    public static void CopyTo<T>(
        this ArrayView<T> source,
        AcceleratorStream stream,
        in ArrayView<T> target)
        where T : unmanaged =>
        Move(source, target);

    public static void CopyTo<T>(
        this ArrayView1D<T, Stride1D.Dense> source,
        in ArrayView1D<T, Stride1D.Dense> target)
        where T : unmanaged =>
        Move(source.BaseView, target.BaseView);

    public static void CopyTo<T>(
        this ArrayView1D<T, Stride1D.Dense> source,
        AcceleratorStream stream,
        in ArrayView1D<T, Stride1D.Dense> target)
        where T : unmanaged =>
        Move(source.BaseView, target.BaseView);

    public static void CopyTo<T>(
        this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> source,
        in MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> target)
        where T : unmanaged =>
        Move(source.View.BaseView, target.View.BaseView);

    public static void CopyTo<T>(
        this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> source,
        AcceleratorStream stream,
        in MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> target)
        where T : unmanaged =>
        Move(source.View.BaseView, target.View.BaseView);

    public static void CopyFrom<T>(this ArrayView<T> target, in ArrayView<T> source) where T : unmanaged =>
        Move(source, target);

    public static void CopyFrom<T>(
        this ArrayView<T> target,
        AcceleratorStream stream,
        in ArrayView<T> source)
        where T : unmanaged =>
        Move(source, target);

    public static void CopyFrom<T>(
        this ArrayView1D<T, Stride1D.Dense> target,
        in ArrayView1D<T, Stride1D.Dense> source)
        where T : unmanaged =>
        Move(source.BaseView, target.BaseView);

    public static void CopyFrom<T>(
        this ArrayView1D<T, Stride1D.Dense> target,
        AcceleratorStream stream,
        in ArrayView1D<T, Stride1D.Dense> source)
        where T : unmanaged =>
        Move(source.BaseView, target.BaseView);

    public static void CopyFrom<T>(
        this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> target,
        in MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> source)
        where T : unmanaged =>
        Move(source.View.BaseView, target.View.BaseView);

    public static void CopyFrom<T>(
        this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> target,
        AcceleratorStream stream,
        in MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> source)
        where T : unmanaged =>
        Move(source.View.BaseView, target.View.BaseView);

    public static void CopyFromCPU<T>(this ArrayView<T> target, T[] data) where T : unmanaged =>
        Fetch<T>(target, data);

    public static void CopyFromCPU<T>(
        this ArrayView<T> target,
        AcceleratorStream stream,
        T[] data)
        where T : unmanaged =>
        Fetch<T>(target, data);

    public static void CopyFromCPU<T>(this ArrayView1D<T, Stride1D.Dense> target, T[] data) where T : unmanaged =>
        Fetch<T>(target.BaseView, data);

    public static void CopyFromCPU<T>(
        this ArrayView1D<T, Stride1D.Dense> target,
        AcceleratorStream stream,
        T[] data)
        where T : unmanaged =>
        Fetch<T>(target.BaseView, data);

    public static void CopyFromCPU<T>(
        this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> target,
        T[] data)
        where T : unmanaged =>
        Fetch<T>(target.View.BaseView, data);

    public static void CopyFromCPU<T>(
        this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> target,
        AcceleratorStream stream,
        T[] data)
        where T : unmanaged =>
        Fetch<T>(target.View.BaseView, data);

    public static void CopyToCPU<T>(this ArrayView<T> source, T[] data) where T : unmanaged =>
        Give<T>(source, data);

    public static void CopyToCPU<T>(
        this ArrayView<T> source,
        AcceleratorStream stream,
        T[] data)
        where T : unmanaged =>
        Give<T>(source, data);

    public static void CopyToCPU<T>(this ArrayView1D<T, Stride1D.Dense> source, T[] data) where T : unmanaged =>
        Give<T>(source.BaseView, data);

    public static void CopyToCPU<T>(
        this ArrayView1D<T, Stride1D.Dense> source,
        AcceleratorStream stream,
        T[] data)
        where T : unmanaged =>
        Give<T>(source.BaseView, data);

    public static void CopyToCPU<T>(
        this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> source,
        T[] data)
        where T : unmanaged =>
        Give<T>(source.View.BaseView, data);

    public static void CopyToCPU<T>(
        this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> source,
        AcceleratorStream stream,
        T[] data)
        where T : unmanaged =>
        Give<T>(source.View.BaseView, data);

    public static void CopyFromCPU<T>(
        this ArrayView<T> target,
        AcceleratorStream stream,
        in ReadOnlySpan<T> span)
        where T : unmanaged =>
        Fetch(target, span);

    public static void CopyToCPU<T>(
        this ArrayView<T> source,
        AcceleratorStream stream,
        in Span<T> span)
        where T : unmanaged =>
        Give(source, span);

    public static void CopyFromCPU<T>(
        this ArrayView1D<T, Stride1D.Dense> target,
        AcceleratorStream stream,
        in ReadOnlySpan<T> span)
        where T : unmanaged =>
        Fetch(target.BaseView, span);

    public static void CopyToCPU<T>(
        this ArrayView1D<T, Stride1D.Dense> source,
        AcceleratorStream stream,
        in Span<T> span)
        where T : unmanaged =>
        Give(source.BaseView, span);

    public static void CopyFromCPU<T>(this ArrayView<T> target, in ReadOnlySpan<T> span) where T : unmanaged =>
        Fetch(target, span);

    public static void CopyToCPU<T>(this ArrayView<T> source, in Span<T> span) where T : unmanaged =>
        Give(source, span);

    /// <summary>The real library may still read the source when the call returns.</summary>
    public static void CopyFromCPUUnsafeAsync<T>(
        this ArrayView<T> target,
        AcceleratorStream stream,
        ref T cpuData,
        long length)
        where T : unmanaged =>
        Fetch(target, MemoryMarshal.CreateReadOnlySpan(ref cpuData, checked((int)length)));

    public static T[] GetAsArray<T>(this ArrayView<T> view) where T : unmanaged
    {
        var result = new T[view.Length];
        Give<T>(view, result);
        return result;
    }

    public static T[] GetAsArray<T>(this ArrayView<T> view, AcceleratorStream stream) where T : unmanaged =>
        view.GetAsArray();

    public static T[] GetAsArray1D<T>(this ArrayView1D<T, Stride1D.Dense> view) where T : unmanaged =>
        view.BaseView.GetAsArray();

    public static T[] GetAsArray1D<T>(this ArrayView1D<T, Stride1D.Dense> view, AcceleratorStream stream)
        where T : unmanaged =>
        view.BaseView.GetAsArray();

    public static T[] GetAsArray1D<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> buffer)
        where T : unmanaged =>
        buffer.View.BaseView.GetAsArray();

    public static T[] GetAsArray1D<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> buffer,
        AcceleratorStream stream)
        where T : unmanaged =>
        buffer.View.BaseView.GetAsArray();

    private static void Fill<T>(ArrayView<T> view, byte value) where T : unmanaged =>
        NativeMemory.Fill(view.Start, (nuint)view.LengthInBytes, value);

    private static void Move<T>(ArrayView<T> source, ArrayView<T> target) where T : unmanaged
    {
        RequireRoom(source.Length, target.Length);
        Buffer.MemoryCopy(source.Start, target.Start, target.LengthInBytes, source.LengthInBytes);
    }

    private static void Fetch<T>(ArrayView<T> target, ReadOnlySpan<T> span) where T : unmanaged
    {
        RequireRoom(span.Length, target.Length);
        fixed (T* data = span)
            Buffer.MemoryCopy(data, target.Start, target.LengthInBytes, (long)span.Length * sizeof(T));
    }

    // As many elements as both have; the real library asks for no more either.
    private static void Give<T>(ArrayView<T> source, Span<T> span) where T : unmanaged
    {
        RequireRoom(source.Length, span.Length);
        fixed (T* data = span)
            Buffer.MemoryCopy(source.Start, data, (long)span.Length * sizeof(T), source.LengthInBytes);
    }

    private static void RequireRoom(long sourceLength, long targetLength)
    {
        if (sourceLength > targetLength)
        {
            throw new ArgumentOutOfRangeException(
                nameof(sourceLength),
                $"{sourceLength} elements were to be copied to a place for {targetLength}.");
        }
    }
}
