namespace Fpn.IlGpu.Ptx;

/// <summary>
/// A group's shared memory, initially NaN. It finds races: an access that no barrier separates from another thread's access
/// to the same place, if one of them is a write (except for two writes of the same value), and any access to a place that
/// an asynchronous copy may still write to. Places are two or four bytes wide.
/// </summary>
internal sealed class SharedMemory
{
    private const int Several = -1;

    // The epoch of an asynchronous copy that is under way: later than every barrier.
    private const int UnderWay = int.MaxValue;

    private readonly byte[] data;
    private readonly Place[] places;
    private readonly int placeShift;
    private readonly int[] warpEpochs;

    // The number of barriers passed, including those between groups. Any thread may access a place not accessed since the last one.
    private int epoch = 1;
    private int copies;

    public SharedMemory(int bytes, int placeBytes, int warps)
    {
        data = new byte[bytes];
        placeShift = placeBytes == 4 ? 2 : 1;
        places = new Place[(bytes + 3) >> placeShift];
        warpEpochs = new int[warps];
        Array.Fill(data, (byte)0xFF);
    }

    /// <summary>Restores the initial state.</summary>
    public void Reset()
    {
        Array.Fill(data, (byte)0xFF);
        epoch++;
        // A group may end while its copies are under way.
        if (copies > 0)
            Array.Clear(places);
        copies = 0;
    }

    /// <summary>Records that every thread of the group has reached a barrier.</summary>
    public void PassBarrier() => epoch++;

    /// <summary>Records that every thread of a warp has reached the warp's barrier.</summary>
    public void PassWarpBarrier(int warp) => warpEpochs[warp]++;

    /// <summary>Reads bytes for a thread.</summary>
    public ReadOnlySpan<byte> Read(int thread, ulong address, int bytes)
    {
        var part = Part(address, bytes);
        foreach (ref var place in Places(address, bytes))
        {
            if (place.WriteEpoch >= epoch && place.Writer != thread)
                RequireOrdered(place, thread, address);
            if (place.ReadEpoch < epoch)
            {
                place.ReadEpoch = epoch;
                place.Reader = thread;
                place.ReaderWarp = thread / Warp.Lanes;
                place.ReadWarpEpoch = warpEpochs[thread / Warp.Lanes];
            }
            else if (place.Reader != thread)
            {
                NoteReader(ref place, thread);
            }
            else
            {
                place.ReadWarpEpoch = warpEpochs[thread / Warp.Lanes];
            }
        }
        return part;
    }

    /// <summary>Writes bytes for a thread. Threads that write the same value may do so in any order.</summary>
    public void Write(int thread, ulong address, ReadOnlySpan<byte> value)
    {
        var part = Part(address, value.Length);
        var same = part.SequenceEqual(value);
        foreach (ref var place in Places(address, value.Length))
            NoteWriter(ref place, thread, address, same);
        value.CopyTo(part);
    }

    /// <summary>Begins an asynchronous copy. Until it lands, no thread may access its destination.</summary>
    public void BeginCopy(int thread, ulong address, int bytes)
    {
        Part(address, bytes);
        copies++;
        foreach (ref var place in Places(address, bytes))
        {
            NoteWriter(ref place, thread, address, sameValue: false);
            place.WriteEpoch = UnderWay;
            place.Writer = Several;
        }
    }

    /// <summary>Completes an asynchronous copy that has been waited for.</summary>
    public void LandCopy(int thread, ulong address, ReadOnlySpan<byte> bytes)
    {
        copies--;
        foreach (ref var place in Places(address, bytes.Length))
            place.WriteEpoch = 0;
        Write(thread, address, bytes);
    }

    private Span<byte> Part(ulong address, int bytes) => address + (ulong)bytes <= (ulong)data.Length
        ? data.AsSpan((int)address, bytes)
        : throw new PtxException($"Access to {bytes} bytes at byte {(long)address} of shared memory, which has {data.Length} bytes.");

    private Span<Place> Places(ulong address, int bytes)
    {
        var first = (int)address >> placeShift;
        return places.AsSpan(first, (((int)address + bytes - 1) >> placeShift) + 1 - first);
    }

    private void RequireOrdered(in Place place, int thread, ulong address)
    {
        if (place.WriteEpoch == UnderWay)
            throw new PtxException($"Thread {thread} reads what an asynchronous copy may still write (shared byte {address}).");
        if (!Ordered(thread, place))
        {
            throw new PtxException(
                $"Thread {thread} reads what thread {place.Writer} wrote, with no barrier between (shared byte {address}).");
        }
    }

    private void NoteWriter(ref Place place, int thread, ulong address, bool sameValue)
    {
        if (place.WriteEpoch == UnderWay)
            throw new PtxException($"Thread {thread} writes where an asynchronous copy may still write (shared byte {address}).");
        if (!sameValue && !Ordered(thread, place))
            throw new PtxException($"Threads {place.Writer} and {thread} write with no barrier between (shared byte {address}).");
        var warp = thread / Warp.Lanes;
        var readBefore = place.ReadEpoch < epoch || place.Reader == thread
            || (place.ReaderWarp == warp && place.ReadWarpEpoch < warpEpochs[warp]);
        if (!readBefore)
        {
            var who = place.Reader == Several ? "other threads" : $"thread {place.Reader}";
            throw new PtxException($"Thread {thread} writes what {who} read, with no barrier between (shared byte {address}).");
        }
        place.Writer = thread;
        place.WriteEpoch = epoch;
        place.WriteWarpEpoch = warpEpochs[warp];
    }

    /// <summary>Adds a reader to a place that another thread has read since the last barrier.</summary>
    private void NoteReader(ref Place place, int thread)
    {
        var warp = thread / Warp.Lanes;
        if (place.ReaderWarp == warp && place.ReadWarpEpoch < warpEpochs[warp])
            place.Reader = thread;
        else
            place.Reader = Several;
        if (place.ReaderWarp != warp)
            place.ReaderWarp = Several;
        place.ReadWarpEpoch = warpEpochs[warp];
    }

    private bool Ordered(int thread, in Place place)
    {
        var warp = thread / Warp.Lanes;
        return place.WriteEpoch < epoch || place.Writer == thread
            || (place.Writer / Warp.Lanes == warp && place.WriteWarpEpoch < warpEpochs[warp]);
    }

    private struct Place
    {
        public int Writer;
        public int WriteEpoch;
        public int WriteWarpEpoch;
        public int Reader;
        public int ReaderWarp;
        public int ReadEpoch;
        public int ReadWarpEpoch;
    }
}
