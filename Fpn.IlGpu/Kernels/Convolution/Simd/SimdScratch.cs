using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Kernels;

/// <summary>A CPU thread's working memory, 64-byte aligned, kept from one use to the next.</summary>
internal sealed unsafe class SimdScratch
{
    private float* memory;
    private int capacity;

    ~SimdScratch() => NativeMemory.AlignedFree(memory);

    /// <summary>Room for so many floats; what they are is left from before.</summary>
    public float* Of(int count)
    {
        if (count > capacity)
        {
            NativeMemory.AlignedFree(memory);
            // Nothing is left to free or to use if the allocation throws.
            memory = null;
            capacity = 0;
            memory = (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), 64);
            capacity = count;
        }
        return memory;
    }
}
