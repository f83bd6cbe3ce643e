using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>C2…C5 and receptive fields. docs/course/04-backbone.md explains it.</summary>
public static class Chapter04
{
    /// <summary>One thread = one output (y, x, c): the largest value of a 3×3 window, with a stride of 2 and a padding of 1.</summary>
    /// <param name="index">The thread, from 0 to OH · OW · C − 1, with OH = (H − 1) / 2 + 1 and OW = (W − 1) / 2 + 1.</param>
    /// <param name="input">[H, W, C].</param>
    /// <param name="size">H, W and C of the input.</param>
    /// <param name="output">[OH, OW, C].</param>
    public static void MaxPool(Index1D index, GlobalView<float> input, MapSize size, GlobalView<float> output)
    {
        // Your lines: find c, x and y; go through the window, without places outside the input; store the largest value.
    }

    /// <summary>What a layer does to a map's receptive field and to the step between its pixels.</summary>
    /// <param name="before">The field and the step, in px of the picture, of the layer's input.</param>
    /// <param name="window">The side of the layer's window, in px of its input.</param>
    /// <param name="stride">The layer's stride, in px of its input.</param>
    /// <returns>The field and the step of the layer's output.</returns>
    public static (int FieldPx, int StepPx) After((int FieldPx, int StepPx) before, int window, int stride)
    {
        // Your line instead of this one.
        return before;
    }
}
