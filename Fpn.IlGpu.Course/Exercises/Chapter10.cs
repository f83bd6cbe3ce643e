using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>Non-maximum suppression by bit masks. docs/course/10-nms.md explains it.</summary>
public static class Chapter10
{
    /// <summary>Returns shared area over joint area; 0 for boxes that do not overlap.</summary>
    public static float IntersectionOverUnion(Box a, Box b)
    {
        // Your lines instead of this one. XMath has Min and Max.
        return 0;
    }

    /// <summary>
    /// One thread = one box i and 32 others: the bits of those that it would suppress. Bit b of word v is box j = 32 · v + b. It is
    /// suppressed if it comes after i, has i's label, and overlaps i by more than the threshold.
    /// </summary>
    /// <param name="index">The thread, from 0 to Count · Words − 1: i · Words + v.</param>
    /// <param name="boxes">[Count], best first.</param>
    /// <param name="labels">[Count]: level or class. Only boxes of the same label suppress one another.</param>
    /// <param name="size">Counts, and the threshold.</param>
    /// <param name="mask">[Count, Words].</param>
    public static void Mask(Index1D index, GlobalView<Box> boxes, GlobalView<int> labels, NmsSize size, GlobalView<uint> mask)
    {
        // Your lines.
    }

    /// <summary>One thread, the only one: goes from the best box to the worst, and drops what a box that is kept suppresses.</summary>
    /// <param name="index">0.</param>
    /// <param name="mask">[Count, Words].</param>
    /// <param name="size">Counts.</param>
    /// <param name="kept">[Count]: 1 for a box that is kept, 0 for one that is not. A kernel may read what it has written.</param>
    public static void Keep(Index1D index, GlobalView<uint> mask, NmsSize size, GlobalView<int> kept)
    {
        // Your lines.
    }
}
