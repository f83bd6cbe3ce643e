namespace Fpn.IlGpu.Ptx;

/// <summary>
/// The GPU's main memory: each buffer in an address range of its own, far from the others, so that an index that leaves
/// its buffer always fails. An address is the buffer's number times 2^40, plus the offset that the memory has from a
/// boundary of 256 bytes, as CUDA's allocations begin on one.
/// </summary>
internal sealed unsafe class GlobalMemory
{
    public const int NumberShift = 40;

    // Generic addresses of shared and local memory lie in these ranges. They don't begin at a multiple of 2^32, so that
    // whoever cuts such an address to 32 bits without cvta gets no address of the space by chance.
    public const ulong SharedWindow = (1UL << NumberShift) + 0x1000000;
    public const ulong LocalWindow = (2UL << NumberShift) + 0x1000000;
    private const ulong FirstNumber = 16;

    private Buffer[] buffers = [];

    /// <summary>Makes host memory, which must stay where it is, visible to kernels.</summary>
    /// <param name="pointer">The memory.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="start">The distance from the allocation's begin, of which the alignment follows.</param>
    /// <returns>Its address.</returns>
    public ulong Map(void* pointer, long bytes, long start)
    {
        buffers = [.. buffers, new Buffer((byte*)pointer - start, start, start + bytes)];
        return (((ulong)buffers.Length - 1 + FirstNumber) << NumberShift) + (ulong)start;
    }

    /// <summary>The host's place of an address.</summary>
    public byte* At(ulong address, int bytes)
    {
        var number = (address >> NumberShift) - FirstNumber;
        if (number >= (ulong)buffers.Length)
            throw new PtxException($"0x{address:X} is no global address.");
        ref readonly var buffer = ref buffers[number];
        var offset = (long)(address & ((1UL << NumberShift) - 1));
        if (offset < buffer.First || offset + bytes > buffer.End)
        {
            throw new PtxException(
                $"{bytes} bytes at byte {offset - buffer.First} of buffer {number}, which has {buffer.End - buffer.First} bytes "
                + $"(address 0x{address:X}).");
        }
        return buffer.Zero + offset;
    }

    /// <summary>Where offset 0 would be, and the offsets that there are.</summary>
    private readonly struct Buffer(byte* zero, long first, long end)
    {
        public readonly byte* Zero = zero;
        public readonly long First = first;
        public readonly long End = end;
    }
}
