using ILGPU;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>C2…C5 and receptive fields.</summary>
public static class Chapter04
{
    /// <summary>One thread = one output (y, x, c).</summary>
    public static void MaxPool(Index1D index, GlobalView<float> input, MapSize size, GlobalView<float> output)
    {
        var outputW = (size.W - 1) / 2 + 1;
        var c = index % size.C;
        var x = index / size.C % outputW;
        var y = index / size.C / outputW;
        var largest = float.NegativeInfinity;
        for (var iy = y * 2 - 1; iy <= y * 2 + 1; iy++)
        {
            for (var ix = x * 2 - 1; ix <= x * 2 + 1; ix++)
            {
                if (iy < 0 || iy >= size.H || ix < 0 || ix >= size.W)
                    continue;
                var value = input[(iy * size.W + ix) * size.C + c];
                if (value > largest)
                    largest = value;
            }
        }
        output[index] = largest;
    }

    /// <summary>What a layer does to a map's receptive field and to the step between its pixels.</summary>
    public static (int FieldPx, int StepPx) After((int FieldPx, int StepPx) before, int window, int stride)
        => (before.FieldPx + (window - 1) * before.StepPx, before.StepPx * stride);
}
