using System.Numerics;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace Fpn.IlGpu.Runtime;

/// <summary>One allocation of the pool.</summary>
internal sealed class PooledBuffer(MemoryBuffer1D<byte, Stride1D.Dense> memory)
{
    /// <summary>All of its bytes.</summary>
    public ArrayView<byte> View { get; } = memory.View;

    /// <summary>Its size in bytes, a size class of the pool.</summary>
    public long Bytes { get; } = memory.Length;

    /// <summary>The picture in whose work it was used last.</summary>
    public int LastUse { get; set; }

    /// <summary>Counts how often it was rented; whoever rented it before can't give it back any more.</summary>
    public int Lease { get; set; }

    /// <summary>Whether it is rented now.</summary>
    public bool Rented { get; set; }

    /// <summary>Gives the memory back to the device.</summary>
    public void Free() => memory.Dispose();
}

/// <summary>
/// Device memory by size class. The same work rents the same classes in the same order, so from the second picture of
/// a size on nothing is allocated. Before the pool grows, it frees buffers that the last few pictures did not use; it frees
/// those that many pictures did not use also while it has no need to grow.
/// All work goes through one in-order stream, so memory may be returned while kernels that use it are still queued.
/// </summary>
internal sealed class MemoryPool(Accelerator accelerator, Transfers transfers) : IDisposable
{
    // Four sizes of pictures can alternate without one evicting another.
    private const int PicturesKept = 4;

    // Longer, because nothing is gained at once: a size that comes back is allocated again.
    private const int PicturesIdle = 32;

    private readonly Dictionary<long, Stack<PooledBuffer>> free = [];
    // The same set for every picture, so that none allocates it.
    private readonly HashSet<PooledBuffer> rentedForPicture = [];
    private bool isInScope;
    private int picture;

    /// <summary>Copies from and to it.</summary>
    public Transfers Transfers { get; } = transfers;

    /// <summary>How often device memory was allocated.</summary>
    public int Allocations { get; private set; }

    /// <summary>Device memory held now, in bytes.</summary>
    public long HeldBytes { get; private set; }

    /// <summary>The most device memory held so far, in bytes.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>
    /// Whether rented memory is filled with NaN first, so that tests notice reads of memory that was never written.
    /// </summary>
    public bool FillsWithNaN { get; set; }

    /// <summary>
    /// Begins the work on a picture, a batch or the loading of a model; unused buffers age by these. When the scope ends, it
    /// takes back what was rented within it and not returned because of an error or a cancellation.
    /// </summary>
    public PictureScope BeginPicture()
    {
        picture++;
        Trim(olderThan: picture - PicturesIdle);
        rentedForPicture.Clear();
        isInScope = true;
        return new PictureScope(this);
    }

    /// <summary>Rents an array; its contents are whatever was there.</summary>
    public DeviceArray<T> Rent<T>(long length)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var bytes = SizeClass(checked(length * Marshal.SizeOf<T>()));
        var buffer = free.TryGetValue(bytes, out var stack) && stack.TryPop(out var pooled) ? pooled : Allocate(bytes);
        buffer.LastUse = picture;
        buffer.Lease++;
        buffer.Rented = true;
        if (isInScope)
            rentedForPicture.Add(buffer);
        // All bits set are a NaN in float32.
        if (FillsWithNaN)
            Transfers.Fill(buffer.View, 0xFF);
        return new DeviceArray<T>(this, buffer, length);
    }

    /// <summary>Takes a buffer back, unless it was taken back before.</summary>
    public void Return(PooledBuffer buffer, int lease)
    {
        if (!buffer.Rented || buffer.Lease != lease)
            return;
        buffer.Rented = false;
        if (isInScope)
            rentedForPicture.Remove(buffer);
        if (!free.TryGetValue(buffer.Bytes, out var stack))
            free[buffer.Bytes] = stack = new Stack<PooledBuffer>();
        stack.Push(buffer);
    }

    /// <summary>Frees what is not rented.</summary>
    public void Dispose() => Trim(olderThan: int.MaxValue);

    /// <summary>Rounds up to an eighth of a power of two: at most 12.5 % more than asked for.</summary>
    private static long SizeClass(long bytes)
    {
        const long Smallest = 256;
        if (bytes <= Smallest)
            return Smallest;
        var step = (long)(BitOperations.RoundUpToPowerOf2((ulong)bytes) / 2) / 8;
        return (bytes + step - 1) / step * step;
    }

    private PooledBuffer Allocate(long bytes)
    {
        Trim(olderThan: picture - PicturesKept);
        MemoryBuffer1D<byte, Stride1D.Dense> memory;
        try
        {
            memory = accelerator.Allocate1D<byte>(bytes);
        }
        catch (Exception e) when (e is AcceleratorException or OutOfMemoryException)
        {
            // Freeing what other picture sizes left behind may be enough.
            Transfers.Synchronize();
            Trim(olderThan: int.MaxValue);
            memory = AllocateLastTry(bytes);
        }
        Allocations++;
        HeldBytes += bytes;
        PeakBytes = Math.Max(PeakBytes, HeldBytes);
        return new PooledBuffer(memory);
    }

    private MemoryBuffer1D<byte, Stride1D.Dense> AllocateLastTry(long bytes)
    {
        try
        {
            return accelerator.Allocate1D<byte>(bytes);
        }
        catch (Exception e) when (e is AcceleratorException or OutOfMemoryException)
        {
            throw new DeviceException(
                $"The device {accelerator.Name} has no {bytes >> 20} MiB of memory left, with {HeldBytes >> 20} MiB in "
                + "use; a smaller picture, a smaller batch or another device would help.",
                e);
        }
    }

    private void EndPicture()
    {
        if (!isInScope)
            return;
        isInScope = false;
        foreach (var buffer in rentedForPicture)
            Return(buffer, buffer.Lease);
        rentedForPicture.Clear();
    }

    private void Trim(int olderThan)
    {
        foreach (var (bytes, stack) in free)
        {
            if (!HasOlder(stack, olderThan))
                continue;
            var kept = stack.Where(b => b.LastUse >= olderThan).Reverse().ToArray();
            foreach (var buffer in stack.Where(b => b.LastUse < olderThan))
            {
                buffer.Free();
                HeldBytes -= bytes;
            }
            stack.Clear();
            foreach (var buffer in kept)
                stack.Push(buffer);
        }
    }

    // Without LINQ: it runs for every picture, which must not allocate.
    private static bool HasOlder(Stack<PooledBuffer> stack, int olderThan)
    {
        foreach (var buffer in stack)
        {
            if (buffer.LastUse < olderThan)
                return true;
        }
        return false;
    }

    /// <summary>The work on one picture or batch.</summary>
    public readonly struct PictureScope(MemoryPool pool) : IDisposable
    {
        /// <summary>What is still rented stays so: it is to outlive the scope.</summary>
        public void Keep() => pool.isInScope = false;

        /// <summary>Takes back what is still rented.</summary>
        public void Dispose() => pool.EndPicture();
    }
}
