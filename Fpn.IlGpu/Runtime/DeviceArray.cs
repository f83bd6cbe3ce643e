using System.Runtime.InteropServices;
using ILGPU;

namespace Fpn.IlGpu.Runtime;

/// <summary>Elements in a device's memory, rented from its pool; disposing gives them back.</summary>
/// <typeparam name="T">The element's type.</typeparam>
internal sealed class DeviceArray<T> : IDisposable
    where T : unmanaged
{
    private readonly MemoryPool pool;
    private readonly PooledBuffer buffer;
    private readonly int lease;

    internal DeviceArray(MemoryPool pool, PooledBuffer buffer, long length)
    {
        this.pool = pool;
        this.buffer = buffer;
        lease = buffer.Lease;
        Length = length;
        View = buffer.View.SubView(0, length * Marshal.SizeOf<T>()).Cast<T>();
    }

    /// <summary>The number of elements.</summary>
    public long Length { get; }

    /// <summary>What kernels take.</summary>
    public ArrayView<T> View { get; }

    /// <summary>Copies from the host; on return the source may change.</summary>
    public void Upload(ReadOnlySpan<T> source)
    {
        if (source.Length > 0)
            pool.Transfers.Upload(View, source);
    }

    /// <summary>Copies from the host to a part, from an element on; on return the source may change.</summary>
    public void Upload(long first, ReadOnlySpan<T> source)
    {
        if (source.Length > 0)
            pool.Transfers.Upload(View.SubView(first, source.Length), source);
    }

    /// <summary>Copies to the host, after all work queued so far.</summary>
    public T[] Download() => Download(View);

    /// <summary>Copies a part to the host, after all work queued so far.</summary>
    public T[] Download(ArrayView<T> part)
    {
        var result = new T[part.Length];
        pool.Transfers.Download(part, result);
        return result;
    }

    /// <summary>Gives the memory back; work that is queued on it still runs before whatever takes it next.</summary>
    public void Dispose() => pool.Return(buffer, lease);
}
