using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 2.</summary>
internal static class WrongChapter02
{
    private enum Fault { NoBias, Flipped, Transposed, WeightsTransposed, NoGuard, NoColumnGuard, NoPadding, NoStride, FirstChannelOnly }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(2, "no bias", "bias is missing", () => Chapter02Check.Check((i, x, w, b, s, o) => Kernel(Fault.NoBias, i, x, w, b, s, o))),
        new(2, "flipped", "flipped", () => Chapter02Check.Check((i, x, w, b, s, o) => Kernel(Fault.Flipped, i, x, w, b, s, o))),
        new(2, "transposed", "transposed", () => Chapter02Check.Check((i, x, w, b, s, o) => Kernel(Fault.Transposed, i, x, w, b, s, o))),
        new(2, "weights transposed", "[3, 3, K, C]", () => Chapter02Check.Check((i, x, w, b, s, o) => Kernel(Fault.WeightsTransposed, i, x, w, b, s, o))),
        new(2, "no guard", "guard against coordinates below 0", () => Chapter02Check.Check((i, x, w, b, s, o) => Kernel(Fault.NoGuard, i, x, w, b, s, o))),
        new(2, "no guard for columns", "wraps around", () => Chapter02Check.Check((i, x, w, b, s, o) => Kernel(Fault.NoColumnGuard, i, x, w, b, s, o))),
        new(2, "no padding", "neighbour at", () => Chapter02Check.Check((i, x, w, b, s, o) => Kernel(Fault.NoPadding, i, x, w, b, s, o))),
        new(2, "no stride", "should be", () => Chapter02Check.Check((i, x, w, b, s, o) => Kernel(Fault.NoStride, i, x, w, b, s, o))),
        new(2, "channel 0 only", "channel 0", () => Chapter02Check.Check((i, x, w, b, s, o) => Kernel(Fault.FirstChannelOnly, i, x, w, b, s, o))),
    ];

    private static void Kernel(
        Fault fault, Index1D index, GlobalView<float> input, GlobalView<float> weights, GlobalView<float> bias, ConvolutionSize size,
        GlobalView<float> output)
    {
        int i = index;
        var k = i % size.K;
        var x = i / size.K % size.OutputW;
        var y = i / size.K / size.OutputW;
        var sum = fault == Fault.NoBias ? 0 : bias[k];
        var stride = fault == Fault.NoStride ? 1 : size.Stride;
        var padding = fault == Fault.NoPadding ? 0 : 1;
        for (var place = 0; place < 9; place++)
        {
            var (ky, kx) = (place / 3, place % 3);
            var iy = y * stride - padding + (fault == Fault.Flipped ? 2 - ky : fault == Fault.Transposed ? kx : ky);
            var ix = x * stride - padding + (fault == Fault.Flipped ? 2 - kx : fault == Fault.Transposed ? ky : kx);
            if (fault != Fault.NoGuard && (iy < 0 || iy >= size.H))
                continue;
            if (fault != Fault.NoGuard && fault != Fault.NoColumnGuard && (ix < 0 || ix >= size.W))
                continue;
            var first = (iy * size.W + ix) * size.C;
            // Without a guard, the first and the last window would also leave the array, which is another mistake.
            if (fault == Fault.NoColumnGuard && (first < 0 || first >= size.H * size.W * size.C))
                continue;
            var channels = fault == Fault.FirstChannelOnly ? 1 : size.C;
            for (var c = 0; c < channels; c++)
            {
                var weight = fault == Fault.WeightsTransposed ? (place * size.K + k) * size.C + c : (place * size.C + c) * size.K + k;
                sum += input[first + c] * weights[weight];
            }
        }
        output[i] = sum;
    }
}
