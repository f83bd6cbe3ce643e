using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>Anchors, encoding and decoding. docs/course/08-anchors.md explains it.</summary>
public static class Chapter08
{
    /// <summary>
    /// Returns anchor i of a level, in input px. Position (y, x) has the anchors of the ratios h / w = 0.5, 1 and 2, one after another;
    /// their corners, relative to the position, are rounded to whole px.
    /// </summary>
    /// <param name="i">The anchor's index: its ratio changes fastest, then x, then y.</param>
    /// <param name="grid">The level.</param>
    public static Box Anchor(int i, AnchorGrid grid)
    {
        // Your lines instead of this one. XMath has Sqrt and RoundToEven.
        return default;
    }

    /// <summary>Moves a box by deltas; a side grows by a factor of 1000 / 16 at most.</summary>
    public static Box Decode(Box from, Deltas deltas)
    {
        // Your lines instead of this one. XMath has Exp and Min; the largest logarithm is 4.135166556742356f.
        return default;
    }

    /// <summary>Returns the deltas that take one box to another: the inverse of <see cref="Decode"/>. XMath has Log.</summary>
    public static Deltas Encode(Box from, Box to)
    {
        // Your lines instead of this one.
        return default;
    }

    /// <summary>One thread = one anchor i: its decoded box. This kernel is complete.</summary>
    /// <param name="index">The thread, from 0 to H · W · 3 − 1.</param>
    /// <param name="deltas">[H, W, 3 · 4].</param>
    /// <param name="grid">The level.</param>
    /// <param name="boxes">[H · W · 3], in input px.</param>
    public static void Kernel(Index1D index, GlobalView<float> deltas, AnchorGrid grid, GlobalView<Box> boxes)
    {
        var at = index * 4;
        boxes[index] = Decode(Anchor(index, grid), new Deltas(deltas[at], deltas[at + 1], deltas[at + 2], deltas[at + 3]));
    }
}
