using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>Threads and NHWC: normalise a picture, and pad it. docs/course/01-threads.md explains it.</summary>
public static class Chapter01
{
    /// <summary>One thread = one output value (y, x, c).</summary>
    /// <param name="picture">[H, W, 3].</param>
    /// <param name="means">[3].</param>
    /// <param name="deviations">[3].</param>
    /// <param name="size">The sizes of the picture and of the padded map.</param>
    /// <param name="output">[PaddedH, PaddedW, 3]: (value − mean) / deviation in the picture, 0 right of it and below it.</param>
    public static void Kernel(
        GlobalView<float> picture, GlobalView<float> means, GlobalView<float> deviations, PaddedSize size, GlobalView<float> output)
    {
        var i = Grid.IdxX * Group.DimX + Group.IdxX;

        // Your lines: leave if i is beyond the output; find c, x and y; store the value.
    }
}
