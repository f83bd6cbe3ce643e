using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 1.</summary>
internal static class WrongChapter01
{
    private enum Fault { Transposed, Planes, NoGuard, LooseGuard, NoPadding, PaddedPitch, FirstChannelOnly, Multiplied, NotNormalised }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(1, "transposed", "transposed", () => Chapter01Check.Check((p, m, d, s, o) => Kernel(Fault.Transposed, p, m, d, s, o))),
        new(1, "planes", "NCHW", () => Chapter01Check.Check((p, m, d, s, o) => Kernel(Fault.Planes, p, m, d, s, o))),
        new(1, "no guard", "guard at the end is missing", () => Chapter01Check.Check((p, m, d, s, o) => Kernel(Fault.NoGuard, p, m, d, s, o))),
        new(1, "guard off by one", "wrote output[198]", () => Chapter01Check.Check((p, m, d, s, o) => Kernel(Fault.LooseGuard, p, m, d, s, o))),
        new(1, "no padding", "read picture", () => Chapter01Check.Check((p, m, d, s, o) => Kernel(Fault.NoPadding, p, m, d, s, o))),
        new(1, "padded pitch", "padded width", () => Chapter01Check.Check((p, m, d, s, o) => Kernel(Fault.PaddedPitch, p, m, d, s, o))),
        new(1, "channel 0 for all", "channel 0", () => Chapter01Check.Check((p, m, d, s, o) => Kernel(Fault.FirstChannelOnly, p, m, d, s, o))),
        new(1, "multiplied", "should divide", () => Chapter01Check.Check((p, m, d, s, o) => Kernel(Fault.Multiplied, p, m, d, s, o))),
        new(1, "not normalised", "nothing is normalised", () => Chapter01Check.Check((p, m, d, s, o) => Kernel(Fault.NotNormalised, p, m, d, s, o))),
    ];

    private static void Kernel(
        Fault fault, GlobalView<float> picture, GlobalView<float> means, GlobalView<float> deviations, PaddedSize size,
        GlobalView<float> output)
    {
        var i = Grid.IdxX * Group.DimX + Group.IdxX;
        var length = size.PaddedH * size.PaddedW * 3;
        if (fault != Fault.NoGuard && i >= length + (fault == Fault.LooseGuard ? 1 : 0))
            return;
        var c = i % 3;
        var x = i / 3 % size.PaddedW;
        var y = i / 3 / size.PaddedW;
        var to = fault == Fault.Transposed ? (x * size.PaddedH + y) * 3 + c : i;
        if ((y >= size.H || x >= size.W) && fault != Fault.NoPadding)
        {
            output[to] = 0;
            return;
        }
        var pitch = fault == Fault.PaddedPitch ? size.PaddedW : size.W;
        var from = (y * pitch + x) * 3 + c;
        if (fault == Fault.Planes)
            from = (c * size.H + y) * size.W + x;
        // A width that is wrong by some columns leads beyond the picture only in its last rows.
        var value = picture[fault == Fault.PaddedPitch ? IntrinsicMath.Min(from, size.H * size.W * 3 - 1) : from];
        var used = fault == Fault.FirstChannelOnly ? 0 : c;
        if (fault == Fault.NotNormalised)
            output[to] = value;
        else if (fault == Fault.Multiplied)
            output[to] = (value - means[used]) * deviations[used];
        else
            output[to] = (value - means[used]) / deviations[used];
    }
}
