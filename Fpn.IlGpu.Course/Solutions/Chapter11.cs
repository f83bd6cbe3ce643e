using System.Runtime.CompilerServices;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>RoI levels and RoIAlign. Optimised from the first call on: chapter 12 runs it millions of times.</summary>
public static class Chapter11
{
    /// <summary>Returns the level that a RoI is read from.</summary>
    public static int Level(Box roi)
    {
        var level = XMath.Floor(4 + XMath.Log2(XMath.Sqrt(roi.Area) / 224) + 1e-6f);
        return (int)XMath.Clamp(level, 2, 5);
    }

    /// <summary>Returns the value of a map at (y, x) between its pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Bilinear(GlobalView<float> map, AlignSize size, float y, float x, int c)
    {
        y = XMath.Clamp(y, 0, size.H - 1);
        x = XMath.Clamp(x, 0, size.W - 1);
        var y0 = (int)y;
        var x0 = (int)x;
        var y1 = XMath.Min(y0 + 1, size.H - 1);
        var x1 = XMath.Min(x0 + 1, size.W - 1);
        var upper = map[(y0 * size.W + x0) * size.C + c] * (1 - (x - x0)) + map[(y0 * size.W + x1) * size.C + c] * (x - x0);
        var lower = map[(y1 * size.W + x0) * size.C + c] * (1 - (x - x0)) + map[(y1 * size.W + x1) * size.C + c] * (x - x0);
        return upper * (1 - (y - y0)) + lower * (y - y0);
    }

    /// <summary>One thread = one output (r, by, bx, c): the mean of 2 × 2 samples in a bin of a RoI.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Kernel(Index1D index, GlobalView<float> map, GlobalView<Box> rois, AlignSize size, GlobalView<float> output)
    {
        var c = index % size.C;
        var bx = index / size.C % size.Bins;
        var by = index / size.C / size.Bins % size.Bins;
        var roi = rois[index / size.C / size.Bins / size.Bins];
        var binW = XMath.Max(roi.Width * size.Scale, 1) / size.Bins;
        var binH = XMath.Max(roi.Height * size.Scale, 1) / size.Bins;
        var sum = 0f;
        for (var sample = 0; sample < 4; sample++)
        {
            var y = roi.Y1 * size.Scale + (by + (sample / 2 + 0.5f) / 2) * binH;
            var x = roi.X1 * size.Scale + (bx + (sample % 2 + 0.5f) / 2) * binW;
            sum += Bilinear(map, size, y, x, c);
        }
        output[index] = sum / 4;
    }
}
