using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;
using Solution = Fpn.IlGpu.Course.Solutions.Chapter10;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 10.</summary>
internal static class WrongChapter10
{
    private enum Fault { AnyLabel, Better, Itself, OrEqual, OneTooFar, Reversed, NoGuard }

    private enum Kept { ByDropped, Inverted, Columns, LastLeftOut }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(10, "IoU: sum of areas", "counted twice", () => Chapter10Check.Check((Box a, Box b) => Shared(a, b) / XMath.Max(1, a.Area + b.Area))),
        new(10, "IoU: smaller area", "smaller area", () => Chapter10Check.Check((Box a, Box b) => Shared(a, b) / XMath.Max(1, XMath.Min(a.Area, b.Area)))),
        new(10, "IoU: negative sides", "at least 0", () => Chapter10Check.Check((Box a, Box b) => Negative(a, b))),
        new(10, "IoU: sides + 1", "x2 − x1", () => Chapter10Check.Check((Box a, Box b) => OnePixelMore(a, b))),
        new(10, "other labels", "other labels", () => Chapter10Check.Check((i, b, l, s, m) => Mask(Fault.AnyLabel, i, b, l, s, m))),
        new(10, "better boxes", "with better ones", () => Chapter10Check.Check((i, b, l, s, m) => Mask(Fault.Better, i, b, l, s, m))),
        new(10, "itself", "with itself", () => Chapter10Check.Check((i, b, l, s, m) => Mask(Fault.Itself, i, b, l, s, m))),
        new(10, "the threshold itself", "exactly the threshold", () => Chapter10Check.Check((i, b, l, s, m) => Mask(Fault.OrEqual, i, b, l, s, m))),
        new(10, "bits off by one", "one too far", () => Chapter10Check.Check((i, b, l, s, m) => Mask(Fault.OneTooFar, i, b, l, s, m))),
        new(10, "bits reversed", "in reverse", () => Chapter10Check.Check((i, b, l, s, m) => Mask(Fault.Reversed, i, b, l, s, m))),
        new(10, "no guard", "guard at the end", () => Chapter10Check.Check((i, b, l, s, m) => Mask(Fault.NoGuard, i, b, l, s, m))),
        new(10, "dropped boxes suppress", "suppressed themselves", () => Chapter10Check.Check((i, m, s, k) => Keep(Kept.ByDropped, i, m, s, k))),
        new(10, "kept inverted", "changed places", () => Chapter10Check.Check((i, m, s, k) => Keep(Kept.Inverted, i, m, s, k))),
        new(10, "columns for rows", "Every box is kept", () => Chapter10Check.Check((i, m, s, k) => Keep(Kept.Columns, i, m, s, k))),
        new(10, "last box left out", "never written", () => Chapter10Check.Check((i, m, s, k) => Keep(Kept.LastLeftOut, i, m, s, k))),
    ];

    private static void Mask(Fault fault, Index1D index, GlobalView<Box> boxes, GlobalView<int> labels, NmsSize size, GlobalView<uint> mask)
    {
        var i = index / size.Words;
        var first = index % size.Words * 32;
        var bits = 0u;
        var end = fault == Fault.NoGuard ? first + 32 : XMath.Min(first + 32, size.Count);
        var from = fault == Fault.Better ? first : XMath.Max(first, fault == Fault.Itself ? i : i + 1);
        for (var j = from; j < end; j++)
        {
            if (fault != Fault.AnyLabel && labels[j] != labels[i])
                continue;
            var overlap = Solution.IntersectionOverUnion(boxes[i], boxes[j]);
            if (overlap > size.Threshold || (fault == Fault.OrEqual && overlap == size.Threshold))
                bits |= fault == Fault.Reversed ? 1u << (31 - j + first) : fault == Fault.OneTooFar ? 1u << (j - first) << 1 : 1u << (j - first);
        }
        mask[index] = bits;
    }

    private static void Keep(Kept how, Index1D index, GlobalView<uint> mask, NmsSize size, GlobalView<int> kept)
    {
        for (var j = 0; j < (how == Kept.LastLeftOut ? size.Count - 1 : size.Count); j++)
        {
            var isKept = 1;
            for (var i = 0; i < j; i++)
            {
                var bit = how == Kept.Columns ? mask[j * size.Words + i / 32] >> (i % 32) & 1 : mask[i * size.Words + j / 32] >> (j % 32) & 1;
                if (bit == 1 && (how == Kept.ByDropped || kept[i] == (how == Kept.Inverted ? 0 : 1)))
                    isKept = 0;
            }
            kept[j] = how == Kept.Inverted ? 1 - isKept : isKept;
        }
    }

    private static float Width(Box a, Box b) => XMath.Min(a.X2, b.X2) - XMath.Max(a.X1, b.X1);

    private static float Height(Box a, Box b) => XMath.Min(a.Y2, b.Y2) - XMath.Max(a.Y1, b.Y1);

    private static float Shared(Box a, Box b) => XMath.Max(0, Width(a, b)) * XMath.Max(0, Height(a, b));

    private static float Negative(Box a, Box b)
    {
        var shared = Width(a, b) * Height(a, b);
        return shared == 0 ? 0 : shared / (a.Area + b.Area - shared);
    }

    private static float OnePixelMore(Box a, Box b)
    {
        var shared = XMath.Max(0, Width(a, b) + 1) * XMath.Max(0, Height(a, b) + 1);
        return shared / ((a.Width + 1) * (a.Height + 1) + (b.Width + 1) * (b.Height + 1) - shared);
    }
}
