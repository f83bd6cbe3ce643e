using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>The top-down pathway: upsampling and merging. docs/course/06-top-down.md explains it.</summary>
public static class Chapter06
{
    /// <summary>One thread = one output (y, x, c): the lateral's value, and that of the coarser map's pixel which covers it.</summary>
    /// <param name="index">The thread, from 0 to H · W · C − 1.</param>
    /// <param name="lateral">[H, W, C].</param>
    /// <param name="top">[TopH, TopW, C], the coarser map.</param>
    /// <param name="size">All sizes; H need not be twice TopH.</param>
    /// <param name="output">[H, W, C].</param>
    public static void Kernel(
        Index1D index, GlobalView<float> lateral, GlobalView<float> top, MergeSize size, GlobalView<float> output)
    {
        // Your lines: find c, x and y; find the pixel of the coarser map; store the sum.
    }
}
