// Stand-in for the local memory of a thread of ILGPU 1.5.3, used where the package feed lacks it.
using System.Runtime.InteropServices;

namespace ILGPU.Runtime.CPU;

/// <summary>Native memory of one thread that a kernel takes from piece by piece, and gives back all at once.</summary>
internal sealed unsafe class LocalArena
{
    private const int Alignment = 64;
    private const int BlockBytes = 64 * 1024;

    [ThreadStatic]
    private static LocalArena? ofThisThread;

    private readonly List<(nint Memory, int Bytes)> blocks = [];
    private int block;
    private int used;

    ~LocalArena()
    {
        foreach (var (memory, _) in blocks)
            NativeMemory.AlignedFree((void*)memory);
    }

    public static LocalArena OfThisThread => ofThisThread ??= new LocalArena();

    public void Clear()
    {
        block = 0;
        used = 0;
    }

    public ArrayView<T> Allocate<T>(int length) where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        int bytes = checked((Math.Max(1, length * sizeof(T)) + Alignment - 1) / Alignment * Alignment);
        while (block < blocks.Count && used + bytes > blocks[block].Bytes)
        {
            block++;
            used = 0;
        }

        if (block == blocks.Count)
        {
            int size = Math.Max(BlockBytes, bytes);
            blocks.Add(((nint)NativeMemory.AlignedAlloc((nuint)size, Alignment), size));
        }

        byte* start = (byte*)blocks[block].Memory + used;
        used += bytes;
        // As on a device the memory holds no zeros; the same pattern on every run shows what was read unwritten.
        NativeMemory.Fill(start, (nuint)bytes, 0xFF);
        return new((T*)start, length);
    }
}
