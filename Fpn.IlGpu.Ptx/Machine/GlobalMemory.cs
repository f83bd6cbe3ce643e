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
    private const int FirstNumber = 16;

    private readonly List<(nint Pointer, long Start, long Bytes)> buffers = [];

    /// <summary>Makes host memory, which must stay where it is, visible to kernels.</summary>
    /// <param name="pointer">The memory.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="start">The distance from the allocation's begin, of which the alignment follows.</param>
    /// <returns>Its address.</returns>
    public ulong Map(void* pointer, long bytes, long start)
    {
        buffers.Add(((nint)pointer, start, bytes));
        return ((ulong)(buffers.Count - 1 + FirstNumber) << NumberShift) + (ulong)start;
    }

    /// <summary>The host's place of an address.</summary>
    public byte* At(ulong address, int bytes)
    {
        var number = (long)(address >> NumberShift) - FirstNumber;
        if (number < 0 || number >= buffers.Count)
            throw new PtxException($"0x{address:X} is no global address.");
        var (pointer, start, length) = buffers[(int)number];
        var offset = (long)(address & ((1UL << NumberShift) - 1)) - start;
        if (offset < 0 || offset + bytes > length)
        {
            throw new PtxException(
                $"{bytes} bytes at byte {offset} of buffer {number}, which has {length} bytes (address 0x{address:X}).");
        }
        return (byte*)pointer + offset;
    }
}
