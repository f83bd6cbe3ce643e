using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;
using Solution = Fpn.IlGpu.Course.Solutions.Chapter11;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 11.</summary>
internal static class WrongChapter11
{
    private enum Fault { Sum, OneSample, Shifted, NotEnlarged, AtEdges, Rounded, Nearest, NotScaled, Transposed, NoClamp }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(11, "level rounded", "rounded to the nearest", () => Chapter11Check.Check(roi => Level(XMath.Floor(Exact(roi) + 0.5f)))),
        new(11, "level rounded up", "rounded up", () => Chapter11Check.Check(roi => Level(XMath.Ceiling(Exact(roi))))),
        new(11, "level not clamped", "not clamped", () => Chapter11Check.Check(roi => (int)XMath.Floor(Exact(roi)))),
        new(11, "level by the longer side", "longer side", () => Chapter11Check.Check(roi => Level(XMath.Floor(4 + XMath.Log2(XMath.Max(roi.Width, roi.Height) / 224) + 1e-6f)))),
        new(11, "level by the width", "width is the measure", () => Chapter11Check.Check(roi => Level(XMath.Floor(4 + XMath.Log2(roi.Width / 224) + 1e-6f)))),
        new(11, "level by ln", "base is e", () => Chapter11Check.Check(roi => Level(XMath.Floor(4 + XMath.Log(XMath.Sqrt(roi.Area) / 224) + 1e-6f)))),
        new(11, "level without the root", "no root", () => Chapter11Check.Check(roi => Level(XMath.Floor(4 + XMath.Log2(roi.Area / 224) + 1e-6f)))),
        new(11, "level upside down", "sign of the logarithm", () => Chapter11Check.Check(roi => Level(XMath.Floor(4 - XMath.Log2(XMath.Sqrt(roi.Area) / 224) + 1e-6f)))),
        new(11, "sum of samples", "their mean", () => Chapter11Check.Check((i, m, r, s, o) => Kernel(Fault.Sum, i, m, r, s, o))),
        new(11, "one sample", "one sample", () => Chapter11Check.Check((i, m, r, s, o) => Kernel(Fault.OneSample, i, m, r, s, o))),
        new(11, "shifted", "half a pixel", () => Chapter11Check.Check((i, m, r, s, o) => Kernel(Fault.Shifted, i, m, r, s, o))),
        new(11, "not enlarged", "not made 1 × 1", () => Chapter11Check.Check((i, m, r, s, o) => Kernel(Fault.NotEnlarged, i, m, r, s, o))),
        new(11, "samples at edges", "¼ and ¾", () => Chapter11Check.Check((i, m, r, s, o) => Kernel(Fault.AtEdges, i, m, r, s, o))),
        new(11, "RoI pooling", "RoIAlign rounds nothing", () => Chapter11Check.Check((i, m, r, s, o) => Kernel(Fault.Rounded, i, m, r, s, o))),
        new(11, "floor for bilinear", "rounded down to a pixel", () => Chapter11Check.Check((i, m, r, s, o) => Kernel(Fault.Nearest, i, m, r, s, o))),
        new(11, "not scaled", "not scaled", () => Chapter11Check.Check((i, m, r, s, o) => Kernel(Fault.NotScaled, i, m, r, s, o))),
        new(11, "transposed", "transposed", () => Chapter11Check.Check((i, m, r, s, o) => Kernel(Fault.Transposed, i, m, r, s, o))),
        new(11, "no clamp", "read map", () => Chapter11Check.Check((i, m, r, s, o) => Kernel(Fault.NoClamp, i, m, r, s, o))),
    ];

    private static float Exact(Box roi) => 4 + XMath.Log2(XMath.Sqrt(roi.Area) / 224) + 1e-6f;

    private static int Level(float level) => (int)XMath.Clamp(level, 2, 5);

    private static void Kernel(
        Fault fault, Index1D index, GlobalView<float> map, GlobalView<Box> rois, AlignSize size, GlobalView<float> output)
    {
        var c = index % size.C;
        var bx = index / size.C % size.Bins;
        var by = index / size.C / size.Bins % size.Bins;
        if (fault == Fault.Transposed)
            (bx, by) = (by, bx);
        var roi = rois[index / size.C / size.Bins / size.Bins];
        var scale = fault == Fault.NotScaled ? 1 : size.Scale;
        var (x1, y1, x2, y2) = (roi.X1 * scale, roi.Y1 * scale, roi.X2 * scale, roi.Y2 * scale);
        if (fault == Fault.Rounded)
            (x1, y1, x2, y2) = (XMath.RoundToEven(x1), XMath.RoundToEven(y1), XMath.RoundToEven(x2), XMath.RoundToEven(y2));
        var shift = fault == Fault.Shifted ? 0.5f : 0;
        var least = fault is Fault.NotEnlarged or Fault.Shifted ? 0 : 1;
        var binW = XMath.Max(x2 - x1, least) / size.Bins;
        var binH = XMath.Max(y2 - y1, least) / size.Bins;
        var sum = 0f;
        for (var sample = 0; sample < 4; sample++)
        {
            var middle = fault == Fault.AtEdges ? 0 : 0.5f;
            var y = y1 - shift + (by + (fault == Fault.OneSample ? 0.5f : (sample / 2 + middle) / 2)) * binH;
            var x = x1 - shift + (bx + (fault == Fault.OneSample ? 0.5f : (sample % 2 + middle) / 2)) * binW;
            if (fault == Fault.Nearest)
                (y, x) = (XMath.Floor(y), XMath.Floor(x));
            // Without a clamp, the pixel below the last row is read.
            sum += fault == Fault.NoClamp ? map[((int)y + 1) * size.W * size.C + ((int)x + 1) * size.C + c] : Solution.Bilinear(map, size, y, x, c);
        }
        output[index] = fault == Fault.Sum ? sum : sum / 4;
    }
}
