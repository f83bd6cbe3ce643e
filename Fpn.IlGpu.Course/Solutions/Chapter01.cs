using ILGPU;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>Threads and NHWC: normalise a picture, and pad it.</summary>
public static class Chapter01
{
    /// <summary>One thread = one output value (y, x, c).</summary>
    public static void Kernel(
        GlobalView<float> picture, GlobalView<float> means, GlobalView<float> deviations, PaddedSize size, GlobalView<float> output)
    {
        var i = Grid.IdxX * Group.DimX + Group.IdxX;
        if (i >= size.PaddedH * size.PaddedW * 3)
            return;
        var c = i % 3;
        var x = i / 3 % size.PaddedW;
        var y = i / 3 / size.PaddedW;
        if (y < size.H && x < size.W)
            output[i] = (picture[(y * size.W + x) * 3 + c] - means[c]) / deviations[c];
        else
            output[i] = 0;
    }
}
