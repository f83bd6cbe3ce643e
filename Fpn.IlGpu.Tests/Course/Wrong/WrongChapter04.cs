using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 4.</summary>
internal static class WrongChapter04
{
    private enum Fault { BeginsWithZero, Smallest, TwoByTwo, NoPadding, NoStride, NoGuard, Transposed }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(4, "begins with 0", "NegativeInfinity", () => Chapter04Check.Check((i, x, s, o) => Kernel(Fault.BeginsWithZero, i, x, s, o))),
        new(4, "smallest", "smallest", () => Chapter04Check.Check((i, x, s, o) => Kernel(Fault.Smallest, i, x, s, o))),
        new(4, "2×2", "2×2", () => Chapter04Check.Check((i, x, s, o) => Kernel(Fault.TwoByTwo, i, x, s, o))),
        new(4, "no padding", "one row above", () => Chapter04Check.Check((i, x, s, o) => Kernel(Fault.NoPadding, i, x, s, o))),
        new(4, "no stride", "(2y, 2x)", () => Chapter04Check.Check((i, x, s, o) => Kernel(Fault.NoStride, i, x, s, o))),
        new(4, "no guard", "guard against coordinates below 0", () => Chapter04Check.Check((i, x, s, o) => Kernel(Fault.NoGuard, i, x, s, o))),
        new(4, "transposed", "transposed", () => Chapter04Check.Check((i, x, s, o) => Kernel(Fault.Transposed, i, x, s, o))),
        new(4, "field: window × step", "n − 1 steps", () => Chapter04Check.Check((at, n, stride) => (at.FieldPx + n * at.StepPx, at.StepPx * stride))),
        new(4, "field: step of the output", "not of its output", () => Chapter04Check.Check((at, n, stride) => (at.FieldPx + (n - 1) * at.StepPx * stride, at.StepPx * stride))),
        new(4, "field: in px of the map", "as far apart", () => Chapter04Check.Check((at, n, stride) => (at.FieldPx + n - 1, at.StepPx * stride))),
        new(4, "field: stride added", "s times as long", () => Chapter04Check.Check((at, n, stride) => (at.FieldPx + (n - 1) * at.StepPx, at.StepPx + stride))),
    ];

    private static void Kernel(Fault fault, Index1D index, GlobalView<float> input, MapSize size, GlobalView<float> output)
    {
        var (outputH, outputW) = ((size.H - 1) / 2 + 1, (size.W - 1) / 2 + 1);
        var c = index % size.C;
        var x = index / size.C % outputW;
        var y = index / size.C / outputW;
        var largest = fault == Fault.BeginsWithZero ? 0 : fault == Fault.Smallest ? float.PositiveInfinity : float.NegativeInfinity;
        var stride = fault == Fault.NoStride ? 1 : 2;
        var padding = fault is Fault.NoPadding or Fault.TwoByTwo ? 0 : 1;
        var side = fault == Fault.TwoByTwo ? 2 : 3;
        for (var place = 0; place < side * side; place++)
        {
            var iy = y * stride - padding + place / side;
            var ix = x * stride - padding + place % side;
            if (fault != Fault.NoGuard && (iy < 0 || iy >= size.H || ix < 0 || ix >= size.W))
                continue;
            var value = input[(iy * size.W + ix) * size.C + c];
            if (fault == Fault.Smallest ? value < largest : value > largest)
                largest = value;
        }
        output[fault == Fault.Transposed ? (x * outputH + y) * size.C + c : (int)index] = largest;
    }
}
