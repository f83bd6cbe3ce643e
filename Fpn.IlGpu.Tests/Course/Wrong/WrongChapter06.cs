using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 6.</summary>
internal static class WrongChapter06
{
    private enum Fault { NoLateral, NoTop, HalfPitch, Halved, Rounded, Transposed, FirstChannel, OutputTransposed }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(6, "no lateral", "lateral is missing", () => Chapter06Check.Check((i, l, t, s, o) => Kernel(Fault.NoLateral, i, l, t, s, o))),
        new(6, "no top", "lateral alone", () => Chapter06Check.Check((i, l, t, s, o) => Kernel(Fault.NoTop, i, l, t, s, o))),
        new(6, "rows of W / 2", "odd W", () => Chapter06Check.Check((i, l, t, s, o) => Kernel(Fault.HalfPitch, i, l, t, s, o))),
        new(6, "y / 2", "twice TopH", () => Chapter06Check.Check((i, l, t, s, o) => Kernel(Fault.Halved, i, l, t, s, o))),
        new(6, "rounded", "rounded down", () => Chapter06Check.Check((i, l, t, s, o) => Kernel(Fault.Rounded, i, l, t, s, o))),
        new(6, "row and column", "wrong sizes", () => Chapter06Check.Check((i, l, t, s, o) => Kernel(Fault.Transposed, i, l, t, s, o))),
        new(6, "channel 0 for all", "channel 0", () => Chapter06Check.Check((i, l, t, s, o) => Kernel(Fault.FirstChannel, i, l, t, s, o))),
        new(6, "output transposed", "should be", () => Chapter06Check.Check((i, l, t, s, o) => Kernel(Fault.OutputTransposed, i, l, t, s, o))),
    ];

    private static void Kernel(
        Fault fault, Index1D index, GlobalView<float> lateral, GlobalView<float> top, MergeSize size, GlobalView<float> output)
    {
        var c = index % size.C;
        var x = index / size.C % size.W;
        var y = index / size.C / size.W;
        var topY = y * size.TopH / size.H;
        var topX = x * size.TopW / size.W;
        if (fault == Fault.Halved)
            (topY, topX) = (IntrinsicMath.Min(y / 2, size.TopH - 1), IntrinsicMath.Min(x / 2, size.TopW - 1));
        if (fault == Fault.Rounded)
            (topY, topX) = (IntrinsicMath.Min((y * size.TopH * 2 + size.H) / (2 * size.H), size.TopH - 1), IntrinsicMath.Min((x * size.TopW * 2 + size.W) / (2 * size.W), size.TopW - 1));
        var from = topY * (fault == Fault.HalfPitch ? size.W / 2 : size.TopW) + topX;
        if (fault == Fault.Transposed)
            from = topX * size.TopW + topY;
        var coarse = fault == Fault.NoTop ? 0 : top[from * size.C + (fault == Fault.FirstChannel ? 0 : c)];
        var fine = fault == Fault.NoLateral ? 0 : lateral[index];
        output[fault == Fault.OutputTransposed ? (x * size.H + y) * size.C + c : (int)index] = fine + coarse;
    }
}
