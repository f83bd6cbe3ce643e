using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>The 3×3 after the merge, and P6. docs/course/07-smoothing.md explains it.</summary>
public static class Chapter07
{
    /// <summary>One thread = one pixel (y, x) × 4 output channels: each value that it reads is used four times.</summary>
    /// <param name="index">The thread, from 0 to H · W · K / 4 − 1; the channels change fastest.</param>
    /// <param name="input">[H, W, C].</param>
    /// <param name="weights">[3, 3, C, K].</param>
    /// <param name="bias">[K].</param>
    /// <param name="size">All sizes. The stride is 1, and K is a multiple of 4.</param>
    /// <param name="output">[H, W, K].</param>
    public static void Smooth(
        Index1D index, GlobalView<float> input, GlobalView<float> weights, GlobalView<float> bias, ConvolutionSize size,
        GlobalView<float> output)
    {
        // Your lines: find the first of the four channels, x and y; keep four sums; read each value of the input once; store four values.
    }

    /// <summary>One thread = one output (y, x, c): P6 is every other row and column of P5, starting with the first.</summary>
    /// <param name="index">The thread, from 0 to OH · OW · C − 1, with OH = ⌈H / 2⌉ and OW = ⌈W / 2⌉.</param>
    /// <param name="input">[H, W, C].</param>
    /// <param name="size">H, W and C of the input.</param>
    /// <param name="output">[OH, OW, C].</param>
    public static void Subsample(Index1D index, GlobalView<float> input, MapSize size, GlobalView<float> output)
    {
        // Your lines.
    }
}
