using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Kernels;

/// <summary>A CPU thread's working memory, aligned to 64 bytes and kept from one use to the next.</summary>
internal sealed unsafe class SimdScratch
{
    private float* memory;
    private int capacity;

    ~SimdScratch() => NativeMemory.AlignedFree(memory);

    /// <summary>Returns room for count floats, which hold whatever the last use left.</summary>
    public float* Of(int count)
    {
        if (count > capacity)
        {
            NativeMemory.AlignedFree(memory);
            // If the allocation throws, nothing is left to free or to use.
            memory = null;
            capacity = 0;
            memory = (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), 64);
            capacity = count;
        }
        return memory;
    }
}
