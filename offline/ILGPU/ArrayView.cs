// Stand-in for ArrayView of ILGPU 1.5.3, used where the package feed lacks it.
#pragma warning disable CA2201 // what an array would throw
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using ILGPU.Runtime;

namespace ILGPU;

/// <summary>A range of elements of a buffer: what kernels see. Every access is checked.</summary>
internal readonly unsafe struct ArrayView<T> where T : unmanaged
{
    public static ArrayView<T> Empty => default;

    private readonly T* start;
    private readonly long length;

    internal ArrayView(T* start, long length)
    {
        this.start = start;
        this.length = length;
    }

    public static int ElementSize => sizeof(T);

    public bool IsValid => start != null;

    public long Length => length;

    public int IntLength => checked((int)length);

    public long LengthInBytes => length * sizeof(T);

    public LongIndex1D Extent => length;

    public Index1D IntExtent => IntLength;

    internal T* Start => start;

    public ref T this[int index] => ref this[(long)index];

    public ref T this[Index1D index] => ref this[(long)index.X];

    public ref T this[LongIndex1D index] => ref this[index.X];

    public ref T this[long index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((ulong)index >= (ulong)length)
                ThrowOutOfRange(index, length);
            return ref start[index];
        }
    }

    public ArrayView<T> SubView(long index) => SubView(index, length - index);

    public ArrayView<T> SubView(int index, int subViewLength) => SubView((long)index, subViewLength);

    public ArrayView<T> SubView(long index, long subViewLength)
    {
        if (index < 0 || subViewLength < 0 || index > length - subViewLength)
            ThrowSubViewOutOfRange(index, subViewLength, length);
        return new(start + index, subViewLength);
    }

    public ArrayView<TOther> Cast<TOther>() where TOther : unmanaged =>
        new((TOther*)start, LengthInBytes / sizeof(TOther));

    public override string ToString() => $"{(nint)start} [{length}]";

    public static implicit operator ArrayView1D<T, Stride1D.Dense>(ArrayView<T> view) => new(view);

    public static implicit operator ArrayView<T>(ArrayView1D<T, Stride1D.Dense> view) => view.BaseView;

    [DoesNotReturn]
    private static void ThrowOutOfRange(long index, long length) =>
        throw new IndexOutOfRangeException($"Element {index} was accessed in a view of {length} elements.");

    [DoesNotReturn]
    private static void ThrowSubViewOutOfRange(long index, long subViewLength, long length) =>
        throw new ArgumentOutOfRangeException(
            nameof(index),
            $"A sub-view of {subViewLength} elements from element {index} was taken of a view of {length} elements.");
}
