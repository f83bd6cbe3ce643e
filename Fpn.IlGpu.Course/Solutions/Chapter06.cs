using ILGPU;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>The top-down pathway: upsampling and merging.</summary>
public static class Chapter06
{
    /// <summary>One thread = one output (y, x, c).</summary>
    public static void Kernel(
        Index1D index, GlobalView<float> lateral, GlobalView<float> top, MergeSize size, GlobalView<float> output)
    {
        var c = index % size.C;
        var x = index / size.C % size.W;
        var y = index / size.C / size.W;
        var topY = y * size.TopH / size.H;
        var topX = x * size.TopW / size.W;
        output[index] = lateral[index] + top[(topY * size.TopW + topX) * size.C + c];
    }
}
