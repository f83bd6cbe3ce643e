namespace Fpn.IlGpu.Ptx;

/// <summary>Each lane's private memory: parameters and local arrays.</summary>
internal sealed class LaneMemory
{
    private readonly string name;
    private readonly int bytes;
    private readonly byte[] begin;
    private readonly byte[] data;

    /// <param name="name">The memory's name, for messages.</param>
    /// <param name="bytes">The number of bytes per lane.</param>
    /// <param name="begin">The initial bytes of each lane's memory; the rest is initially NaN.</param>
    public LaneMemory(string name, int bytes, byte[] begin)
    {
        this.name = name;
        this.bytes = bytes;
        this.begin = begin;
        data = GC.AllocateUninitializedArray<byte>(bytes * Warp.Lanes);
        Reset();
    }

    /// <summary>Restores the initial contents.</summary>
    public void Reset()
    {
        Array.Fill(data, (byte)0xFF);
        for (var lane = 0; lane < Warp.Lanes; lane++)
            begin.CopyTo(data, lane * bytes);
    }

    public Span<byte> At(int lane, ulong address, int length) => address + (ulong)length <= (ulong)bytes
        ? data.AsSpan((lane * bytes) + (int)address, length)
        : throw new PtxException($"Access to {length} bytes at byte {(long)address} of a lane's {name} memory, which has {bytes} bytes.");
}
