using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>The naive convolution. docs/course/02-naive-convolution.md explains it.</summary>
public static class Chapter02
{
    /// <summary>One thread = one output (y, x, k).</summary>
    /// <param name="index">The thread, from 0 to OutputH · OutputW · K − 1.</param>
    /// <param name="input">[H, W, C].</param>
    /// <param name="weights">[3, 3, C, K].</param>
    /// <param name="bias">[K].</param>
    /// <param name="size">All sizes, and the stride.</param>
    /// <param name="output">[OutputH, OutputW, K].</param>
    public static void Kernel(
        Index1D index, GlobalView<float> input, GlobalView<float> weights, GlobalView<float> bias, ConvolutionSize size,
        GlobalView<float> output)
    {
        int i = index;

        // Your lines: find k, x and y; begin with the bias; add up nine places × C channels, without those outside the input; store.
    }
}
