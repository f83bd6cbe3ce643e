using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>The RPN's best: top-k, with ties. docs/course/09-top-k.md explains it.</summary>
public static class Chapter09
{
    /// <summary>
    /// One thread = one score: counts the scores that are better, which is its rank, and stores its index there if it is among the first
    /// k. Of equal scores, the one with the smaller index is better.
    /// </summary>
    /// <param name="index">The thread, from 0 to count − 1.</param>
    /// <param name="scores">[count].</param>
    /// <param name="count">How many there are.</param>
    /// <param name="k">How many to take; not more than count.</param>
    /// <param name="best">[k]: the indices of the best, best first.</param>
    public static void Kernel(Index1D index, GlobalView<float> scores, int count, int k, GlobalView<int> best)
    {
        // Your lines.
    }
}
