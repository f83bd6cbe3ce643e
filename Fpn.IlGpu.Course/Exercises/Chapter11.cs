using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>RoI levels and RoIAlign. docs/course/11-roi-align.md explains it.</summary>
public static class Chapter11
{
    /// <summary>Returns the level that a RoI is read from: 2 for P2, 5 for P5. A RoI of 224 px goes to P4.</summary>
    public static int Level(Box roi)
    {
        // Your lines instead of this one. XMath has Sqrt, Log2, Floor and Clamp. Add 1e-6f to the logarithm, as torchvision does.
        return 0;
    }

    /// <summary>
    /// Returns the value of a map at (y, x) between its pixels: a mix of the four around it. Whole coordinates are the pixels' centres;
    /// coordinates outside the map count as its edge.
    /// </summary>
    public static float Bilinear(GlobalView<float> map, AlignSize size, float y, float x, int c)
    {
        // Your lines instead of this one.
        return 0;
    }

    /// <summary>One thread = one output (r, by, bx, c): the mean of 2 × 2 samples in a bin of a RoI.</summary>
    /// <param name="index">The thread, from 0 to R · Bins · Bins · C − 1.</param>
    /// <param name="map">[H, W, C].</param>
    /// <param name="rois">[R], in input px.</param>
    /// <param name="size">The map's sizes, its scale, and Bins.</param>
    /// <param name="output">[R, Bins, Bins, C].</param>
    public static void Kernel(Index1D index, GlobalView<float> map, GlobalView<Box> rois, AlignSize size, GlobalView<float> output)
    {
        // Your lines: find c, bx, by and r; scale the RoI to level px, at least 1 × 1; take four samples; store their mean.
    }
}
