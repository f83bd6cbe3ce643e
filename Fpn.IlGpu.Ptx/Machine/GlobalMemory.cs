namespace Fpn.IlGpu.Ptx;

/// <summary>
/// The GPU's global memory. Each buffer has its own address range, far from the others, so that an index outside its buffer
/// always fails. An address is the buffer's number times 2^40, plus a distance that keeps addresses a little below the buffer in
/// its range, plus the offset of the memory from the start of its allocation; as in CUDA, allocations begin at a multiple of 256 bytes.
/// </summary>
internal sealed unsafe class GlobalMemory
{
    public const int NumberShift = 40;

    // Generic addresses of shared and local memory are in these ranges. The ranges do not begin at a multiple of 2^32, so
    // that a generic address truncated to 32 bits without cvta is not a valid address of the space by chance.
    public const ulong SharedWindow = (1UL << NumberShift) + 0x1000000;
    public const ulong LocalWindow = (2UL << NumberShift) + 0x1000000;
    private const ulong FirstNumber = 16;
    private const long Below = 1L << 20;

    private Buffer[] buffers = [];

    /// <summary>Makes host memory visible to kernels; it must not move.</summary>
    /// <param name="pointer">The host memory.</param>
    /// <param name="bytes">The length in bytes.</param>
    /// <param name="start">The offset in bytes from the start of the allocation, which determines the alignment.</param>
    /// <returns>The address for kernels.</returns>
    public ulong Map(void* pointer, long bytes, long start)
    {
        buffers = [.. buffers, new Buffer((byte*)pointer - start, start, start + bytes)];
        return (((ulong)buffers.Length - 1 + FirstNumber) << NumberShift) + (ulong)(Below + start);
    }

    /// <summary>The host pointer of an address.</summary>
    public byte* At(ulong address, int bytes)
    {
        var number = (address >> NumberShift) - FirstNumber;
        if (number >= (ulong)buffers.Length)
            throw new PtxException($"0x{address:X} is no global address.");
        ref readonly var buffer = ref buffers[number];
        var offset = (long)(address & ((1UL << NumberShift) - 1)) - Below;
        if (offset < buffer.First || offset + bytes > buffer.End)
        {
            throw new PtxException(
                $"{bytes} bytes at byte {offset - buffer.First} of buffer {number}, which has {buffer.End - buffer.First} bytes "
                + $"(address 0x{address:X}).");
        }
        return buffer.Zero + offset;
    }

    /// <summary>The host pointer of offset 0, and the first and last valid offsets (the end exclusive).</summary>
    private readonly struct Buffer(byte* zero, long first, long end)
    {
        public readonly byte* Zero = zero;
        public readonly long First = first;
        public readonly long End = end;
    }
}
