namespace Fpn.IlGpu.Ptx;

/// <summary>Each lane's private memory: parameters and local arrays.</summary>
internal sealed class LaneMemory
{
    private readonly string name;
    private readonly int bytes;
    private readonly byte[] begin;
    private readonly byte[] data;

    /// <param name="name">What it is, for messages.</param>
    /// <param name="bytes">Bytes a lane.</param>
    /// <param name="begin">What every lane's memory begins with; the rest begins as NaN.</param>
    public LaneMemory(string name, int bytes, byte[] begin)
    {
        this.name = name;
        this.bytes = bytes;
        this.begin = begin;
        data = GC.AllocateUninitializedArray<byte>(bytes * Warp.Lanes);
        Reset();
    }

    /// <summary>Everything is as in the beginning.</summary>
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
