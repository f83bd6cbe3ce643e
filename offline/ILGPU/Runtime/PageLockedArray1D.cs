// Stand-in for PageLockedArray1D of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime;

/// <summary>An array that stays where it is, from which a GPU could copy by itself.</summary>
internal sealed class PageLockedArray1D<T>(long extent, bool uninitialized) : IDisposable
    where T : unmanaged
{
    private readonly T[] array = uninitialized
        ? GC.AllocateUninitializedArray<T>(checked((int)extent), pinned: true)
        : GC.AllocateArray<T>(checked((int)extent), pinned: true);

    public LongIndex1D Extent => array.LongLength;

    public long Length => array.LongLength;

    public Span<T> Span => array;

    public ref T this[int index] => ref array[index];

    public ref T this[long index] => ref array[index];

    public T[] GetArray() => array;

    public void Dispose()
    {
        // The garbage collector frees it.
    }
}

/// <summary>Makes page-locked arrays.</summary>
internal static class PageLockedArrayExtensions
{
    public static PageLockedArray1D<T> AllocatePageLocked1D<T>(this Accelerator accelerator, LongIndex1D extent)
        where T : unmanaged =>
        accelerator.AllocatePageLocked1D<T>(extent, uninitialized: false);

    public static PageLockedArray1D<T> AllocatePageLocked1D<T>(
        this Accelerator accelerator,
        LongIndex1D extent,
        bool uninitialized)
        where T : unmanaged =>
        new(extent, uninitialized);
}
