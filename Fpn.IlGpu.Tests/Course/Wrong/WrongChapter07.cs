using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 7.</summary>
internal static class WrongChapter07
{
    private enum Fault { NoBias, FirstBias, Relu, Flipped, Transposed, SameWeights, NoReuse, NoGuard }

    private enum Taken { Mean, Largest, Odd, NoStep, RoundedDown }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(7, "no bias", "bias is missing", () => Chapter07Check.Check((i, x, w, b, s, o) => Smooth(Fault.NoBias, i, x, w, b, s, o))),
        new(7, "one bias for four", "first one's bias", () => Chapter07Check.Check((i, x, w, b, s, o) => Smooth(Fault.FirstBias, i, x, w, b, s, o))),
        new(7, "ReLU", "no ReLU", () => Chapter07Check.Check((i, x, w, b, s, o) => Smooth(Fault.Relu, i, x, w, b, s, o))),
        new(7, "flipped", "flipped", () => Chapter07Check.Check((i, x, w, b, s, o) => Smooth(Fault.Flipped, i, x, w, b, s, o))),
        new(7, "transposed", "transposed", () => Chapter07Check.Check((i, x, w, b, s, o) => Smooth(Fault.Transposed, i, x, w, b, s, o))),
        new(7, "one weight for four", "first one's weights", () => Chapter07Check.Check((i, x, w, b, s, o) => Smooth(Fault.SameWeights, i, x, w, b, s, o))),
        new(7, "read four times", "read too often", () => Chapter07Check.Check((i, x, w, b, s, o) => Smooth(Fault.NoReuse, i, x, w, b, s, o))),
        new(7, "no guard", "guard against coordinates below 0", () => Chapter07Check.Check((i, x, w, b, s, o) => Smooth(Fault.NoGuard, i, x, w, b, s, o))),
        new(7, "P6: mean", "mean of four", () => Chapter07Check.Check((i, x, s, o) => Subsample(Taken.Mean, i, x, s, o))),
        new(7, "P6: largest", "largest of four", () => Chapter07Check.Check((i, x, s, o) => Subsample(Taken.Largest, i, x, s, o))),
        new(7, "P6: odd pixels", "odd numbers", () => Chapter07Check.Check((i, x, s, o) => Subsample(Taken.Odd, i, x, s, o))),
        new(7, "P6: no step", "step of 2", () => Chapter07Check.Check((i, x, s, o) => Subsample(Taken.NoStep, i, x, s, o))),
        new(7, "P6: width rounded down", "should be", () => Chapter07Check.Check((i, x, s, o) => Subsample(Taken.RoundedDown, i, x, s, o))),
    ];

    private static void Smooth(
        Fault fault, Index1D index, GlobalView<float> input, GlobalView<float> weights, GlobalView<float> bias, ConvolutionSize size,
        GlobalView<float> output)
    {
        var parts = size.K / 4;
        var k = index % parts * 4;
        var x = index / parts % size.W;
        var y = index / parts / size.W;
        for (var i = 0; i < 4; i++)
        {
            var sum = fault == Fault.NoBias ? 0 : bias[fault == Fault.FirstBias ? k : k + i];
            for (var place = 0; place < 9; place++)
            {
                var used = fault == Fault.Flipped ? 8 - place : fault == Fault.Transposed ? place % 3 * 3 + place / 3 : place;
                var (iy, ix) = (y - 1 + used / 3, x - 1 + used % 3);
                if (fault != Fault.NoGuard && (iy < 0 || iy >= size.H || ix < 0 || ix >= size.W))
                    continue;
                for (var c = 0; c < size.C; c++)
                    sum += input[(iy * size.W + ix) * size.C + c] * weights[(place * size.C + c) * size.K + k + (fault == Fault.SameWeights ? 0 : i)];
            }
            output[(y * size.W + x) * size.K + k + i] = fault == Fault.Relu && sum < 0 ? 0 : sum;
        }
    }

    private static void Subsample(Taken taken, Index1D index, GlobalView<float> input, MapSize size, GlobalView<float> output)
    {
        var outputW = taken == Taken.RoundedDown ? IntrinsicMath.Max(1, size.W / 2) : (size.W + 1) / 2;
        var c = index % size.C;
        var x = index / size.C % outputW;
        var y = index / size.C / outputW;
        var (y0, x0) = (IntrinsicMath.Min(y * 2, size.H - 1), x * 2);
        var (y1, x1) = (IntrinsicMath.Min(y0 + 1, size.H - 1), IntrinsicMath.Min(x0 + 1, size.W - 1));
        if (taken == Taken.NoStep)
            (y0, x0) = (y, x);
        if (taken == Taken.Odd)
            (y0, x0) = (y1, x1);
        var (a, b) = (input[(y0 * size.W + x0) * size.C + c], input[(y0 * size.W + x1) * size.C + c]);
        var (d, e) = (input[(y1 * size.W + x0) * size.C + c], input[(y1 * size.W + x1) * size.C + c]);
        if (taken == Taken.Mean)
            a = (a + b + d + e) / 4;
        if (taken == Taken.Largest)
            a = IntrinsicMath.Max(IntrinsicMath.Max(a, b), IntrinsicMath.Max(d, e));
        output[index] = a;
    }
}
