using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>Training: gradients without atomics. docs/course/13-gradients.md explains it.</summary>
public static class Chapter13
{
    /// <summary>
    /// One thread = the gradient of one input (y, x, c) of a 3×3 convolution of stride 1: the sum over all outputs that read it, each
    /// output's gradient times the weight that it read the input with.
    /// </summary>
    /// <param name="index">The thread, from 0 to H · W · C − 1.</param>
    /// <param name="outputGradient">[H, W, K].</param>
    /// <param name="weights">[3, 3, C, K].</param>
    /// <param name="size">All sizes; the stride is 1, and the padding 1 px.</param>
    /// <param name="inputGradient">[H, W, C].</param>
    public static void Convolution(
        Index1D index, GlobalView<float> outputGradient, GlobalView<float> weights, ConvolutionSize size, GlobalView<float> inputGradient)
    {
        // Your lines.
    }

    /// <summary>
    /// One thread = the gradient of one pixel (ty, tx, c) of the coarser map of a merge (chapter 6): the sum over the fine pixels that
    /// read it.
    /// </summary>
    /// <param name="index">The thread, from 0 to TopH · TopW · C − 1.</param>
    /// <param name="outputGradient">[H, W, C].</param>
    /// <param name="size">All sizes; H need not be twice TopH.</param>
    /// <param name="topGradient">[TopH, TopW, C].</param>
    public static void Upsampling(Index1D index, GlobalView<float> outputGradient, MergeSize size, GlobalView<float> topGradient)
    {
        // Your lines.
    }
}
