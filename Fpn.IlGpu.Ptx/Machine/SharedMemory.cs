namespace Fpn.IlGpu.Ptx;

/// <summary>
/// A group's shared memory. It begins as NaN, and it finds races: an access that no barrier separates from another
/// thread's access to the same place, one of them a write (but for two that write the same), and any access to a place
/// that an asynchronous copy may still be writing to. Places are two bytes wide.
/// </summary>
internal sealed class SharedMemory
{
    private const int Nobody = -1;
    private const int Several = -2;

    private readonly byte[] data;
    private readonly Place[] places;
    private readonly int[] warpEpochs;
    private int epoch = 1;

    public SharedMemory(int bytes, int warps)
    {
        data = new byte[bytes];
        Array.Fill(data, (byte)0xFF);
        places = new Place[(bytes + 1) / 2];
        Array.Fill(places, new Place { Writer = Nobody, Reader = Nobody, ReaderWarp = Nobody });
        warpEpochs = new int[warps];
    }

    /// <summary>Every thread of the group has reached a barrier.</summary>
    public void PassBarrier() => epoch++;

    /// <summary>Every thread of a warp has reached the warp's barrier.</summary>
    public void PassWarpBarrier(int warp) => warpEpochs[warp]++;

    /// <summary>What a thread reads.</summary>
    public ReadOnlySpan<byte> Read(int thread, ulong address, int bytes)
    {
        var part = Part(address, bytes);
        foreach (ref var place in Places(address, bytes))
        {
            if (place.Pending > 0)
                throw new PtxException($"Thread {thread} reads what an asynchronous copy may still write (shared byte {address}).");
            if (place.Writer >= 0 && !Ordered(thread, place.Writer, place.WriteEpoch, place.WriteWarpEpoch))
            {
                throw new PtxException(
                    $"Thread {thread} reads what thread {place.Writer} wrote, with no barrier between (shared byte {address}).");
            }
            NoteReader(ref place, thread);
        }
        return part;
    }

    /// <summary>A thread writes. Threads that write the same value may do so in any order.</summary>
    public void Write(int thread, ulong address, ReadOnlySpan<byte> value)
    {
        var part = Part(address, value.Length);
        var same = part.SequenceEqual(value);
        foreach (ref var place in Places(address, value.Length))
            NoteWriter(ref place, thread, address, same);
        value.CopyTo(part);
    }

    /// <summary>An asynchronous copy begins: from now until it lands nobody may touch its destination.</summary>
    public void BeginCopy(int thread, ulong address, int bytes)
    {
        Part(address, bytes);
        foreach (ref var place in Places(address, bytes))
        {
            NoteWriter(ref place, thread, address, sameValue: false);
            place.Pending++;
        }
    }

    /// <summary>An asynchronous copy has been waited for.</summary>
    public void LandCopy(int thread, ulong address, ReadOnlySpan<byte> bytes)
    {
        foreach (ref var place in Places(address, bytes.Length))
            place.Pending--;
        Write(thread, address, bytes);
    }

    private Span<byte> Part(ulong address, int bytes) => address + (ulong)bytes <= (ulong)data.Length
        ? data.AsSpan((int)address, bytes)
        : throw new PtxException($"{bytes} bytes at byte {(long)address} of shared memory, which has {data.Length} bytes.");

    private Span<Place> Places(ulong address, int bytes)
        => places.AsSpan((int)address / 2, ((int)address + bytes + 1) / 2 - (int)address / 2);

    private void NoteWriter(ref Place place, int thread, ulong address, bool sameValue)
    {
        if (place.Pending > 0)
            throw new PtxException($"Thread {thread} writes where an asynchronous copy may still write (shared byte {address}).");
        if (!sameValue && place.Writer >= 0 && !Ordered(thread, place.Writer, place.WriteEpoch, place.WriteWarpEpoch))
            throw new PtxException($"Threads {place.Writer} and {thread} write with no barrier between (shared byte {address}).");
        var readBefore = place.Reader == Nobody || place.Reader == thread || place.ReadEpoch < epoch
            || (place.ReaderWarp == thread / Warp.Lanes && place.ReadWarpEpoch < warpEpochs[thread / Warp.Lanes]);
        if (!readBefore)
        {
            var who = place.Reader == Several ? "other threads" : $"thread {place.Reader}";
            throw new PtxException($"Thread {thread} writes what {who} read, with no barrier between (shared byte {address}).");
        }
        place.Writer = thread;
        place.WriteEpoch = epoch;
        place.WriteWarpEpoch = warpEpochs[thread / Warp.Lanes];
    }

    private void NoteReader(ref Place place, int thread)
    {
        var warp = thread / Warp.Lanes;
        var alone = place.Reader == Nobody || place.ReadEpoch < epoch
            || (place.ReaderWarp == warp && place.ReadWarpEpoch < warpEpochs[warp]);
        place.Reader = alone || place.Reader == thread ? thread : Several;
        place.ReaderWarp = alone || place.ReaderWarp == warp ? warp : Several;
        place.ReadEpoch = epoch;
        place.ReadWarpEpoch = warpEpochs[warp];
    }

    private bool Ordered(int thread, int other, int otherEpoch, int otherWarpEpoch)
        => other == thread || otherEpoch < epoch
        || (other / Warp.Lanes == thread / Warp.Lanes && otherWarpEpoch < warpEpochs[thread / Warp.Lanes]);

    private struct Place
    {
        public int Writer;
        public int WriteEpoch;
        public int WriteWarpEpoch;
        public int Reader;
        public int ReaderWarp;
        public int ReadEpoch;
        public int ReadWarpEpoch;
        public int Pending;
    }
}
