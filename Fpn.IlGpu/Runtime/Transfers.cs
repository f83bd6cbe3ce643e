using System.Numerics;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace Fpn.IlGpu.Runtime;

/// <summary>
/// All copies between the host and one device, in the order of its stream. Uploads go through page-locked
/// memory, which a GPU reads while the host continues; downloads wait until they are done. A picture whose results are
/// fetched in one download therefore synchronises host and device once.
/// </summary>
/// <param name="accelerator">The device.</param>
/// <param name="stream">Its stream.</param>
/// <param name="direct">Whether the device is the CPU, which copies at once and needs no memory in between.</param>
internal sealed class Transfers(Accelerator accelerator, AcceleratorStream stream, bool direct) : IDisposable
{
    // A 20-megapixel picture. Larger uploads go in parts and wait between them.
    private const int MostStagedBytes = 64 << 20;
    private const int LeastStagedBytes = 1 << 20;
    private const int Alignment = 64;

    private PageLockedArray1D<byte>? staged;
    private int used;

    /// <summary>How often the host has waited for the device.</summary>
    public int Synchronisations { get; private set; }

    /// <summary>Copies to the device; on return the source may change.</summary>
    public void Upload<T>(ArrayView<T> target, ReadOnlySpan<T> source)
        where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(source);
        var to = target.SubView(0, source.Length).Cast<byte>();
        if (direct)
        {
            Queue(to, bytes);
            return;
        }
        for (var first = 0; first < bytes.Length;)
        {
            var room = Room(bytes.Length - first);
            var part = bytes.Slice(first, Math.Min(room.Length, bytes.Length - first));
            part.CopyTo(room);
            Queue(to.SubView(first, part.Length), room[..part.Length]);
            used += (part.Length + Alignment - 1) / Alignment * Alignment;
            first += part.Length;
        }
    }

    /// <summary>Copies to the host, after all work queued so far.</summary>
    public unsafe void Download<T>(ArrayView<T> source, T[] target)
        where T : unmanaged
    {
        if (target.Length == 0)
            return;
        // The copy may run until the stream has been waited for, and the array must not move before that.
        fixed (T* pinned = target)
        {
            source.CopyToCPUUnsafeAsync(stream, ref *pinned, target.Length);
            stream.Synchronize();
        }
        Waited();
    }

    /// <summary>Sets every byte, after all work queued so far.</summary>
    public void Fill(ArrayView<byte> target, byte value) => target.MemSet(stream, value);

    /// <summary>Waits until all queued work is done.</summary>
    public void Synchronize()
    {
        stream.Synchronize();
        Waited();
    }

    /// <summary>Frees the memory in between.</summary>
    public void Dispose() => staged?.Dispose();

    // ILGPU takes the address behind the reference, so the source must not move until it has been read. A GPU may read
    // staged memory after this returns: that is page-locked. The CPU copies before this returns: a pin until then is enough.
    private unsafe void Queue(ArrayView<byte> target, ReadOnlySpan<byte> source)
    {
        fixed (byte* pinned = source)
        {
            if (source.Length > 0)
                target.CopyFromCPUUnsafeAsync(stream, ref *pinned, source.Length);
        }
    }

    /// <summary>Free staged memory, as much as is asked for or else at least one byte.</summary>
    private Span<byte> Room(int bytes)
    {
        var enough = staged is not null && (staged.Length - used >= bytes || (staged.Length == MostStagedBytes && staged.Length > used));
        if (!enough)
            Enlarge(bytes);
        return staged!.Span[used..];
    }

    private void Enlarge(int bytes)
    {
        // Room for everything that one picture uploads, so that the next picture need not wait.
        var together = Math.Min((long)used + bytes, MostStagedBytes);
        // Queued copies may still read from it.
        if (used > 0)
            Synchronize();
        if (staged?.Length >= together)
            return;
        staged?.Dispose();
        var size = (int)Math.Clamp(BitOperations.RoundUpToPowerOf2((uint)together), LeastStagedBytes, MostStagedBytes);
        staged = accelerator.AllocatePageLocked1D<byte>(size, uninitialized: true);
    }

    private void Waited()
    {
        Synchronisations++;
        used = 0;
    }
}
