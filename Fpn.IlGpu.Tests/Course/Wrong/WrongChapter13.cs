using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 13.</summary>
internal static class WrongChapter13
{
    private enum Fault { NotFlipped, Transposed, WeightsTransposed, FirstChannel, SamePlaceOnly, NoGuard, Scattered }

    private enum Read { One, Mean, TwoByTwo, RoundedDown }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(13, "not flipped", "not flipped", () => Chapter13Check.Check((i, d, w, s, o) => Convolution(Fault.NotFlipped, i, d, w, s, o))),
        new(13, "transposed", "transposed", () => Chapter13Check.Check((i, d, w, s, o) => Convolution(Fault.Transposed, i, d, w, s, o))),
        new(13, "weights transposed", "[3, 3, K, C]", () => Chapter13Check.Check((i, d, w, s, o) => Convolution(Fault.WeightsTransposed, i, d, w, s, o))),
        new(13, "channel 0 only", "channel 0", () => Chapter13Check.Check((i, d, w, s, o) => Convolution(Fault.FirstChannel, i, d, w, s, o))),
        new(13, "same place only", "nine outputs", () => Chapter13Check.Check((i, d, w, s, o) => Convolution(Fault.SamePlaceOnly, i, d, w, s, o))),
        new(13, "no guard", "guard against coordinates below 0", () => Chapter13Check.Check((i, d, w, s, o) => Convolution(Fault.NoGuard, i, d, w, s, o))),
        new(13, "scattered", "written", () => Chapter13Check.Check((i, d, w, s, o) => Convolution(Fault.Scattered, i, d, w, s, o))),
        new(13, "one reader", "gradient of one fine pixel", () => Chapter13Check.Check((i, d, s, t) => Upsampling(Read.One, i, d, s, t))),
        new(13, "mean", "should be their sum", () => Chapter13Check.Check((i, d, s, t) => Upsampling(Read.Mean, i, d, s, t))),
        new(13, "2 × 2 readers", "Chapter 13", () => Chapter13Check.Check((i, d, s, t) => Upsampling(Read.TwoByTwo, i, d, s, t))),
        new(13, "floor for ceiling", "rounded up", () => Chapter13Check.Check((i, d, s, t) => Upsampling(Read.RoundedDown, i, d, s, t))),
    ];

    private static void Convolution(
        Fault fault, Index1D index, GlobalView<float> outputGradient, GlobalView<float> weights, ConvolutionSize size,
        GlobalView<float> inputGradient)
    {
        var c = index % size.C;
        var x = index / size.C % size.W;
        var y = index / size.C / size.W;
        var sum = 0f;
        for (var place = 0; place < 9; place++)
        {
            var (ky, kx) = fault == Fault.Transposed ? (place % 3, place / 3) : (place / 3, place % 3);
            var (oy, ox) = fault == Fault.NotFlipped ? (y - 1 + ky, x - 1 + kx) : (y + 1 - ky, x + 1 - kx);
            if (fault != Fault.NoGuard && (oy < 0 || oy >= size.H || ox < 0 || ox >= size.W))
                continue;
            if (fault == Fault.SamePlaceOnly && place != 4)
                continue;
            for (var k = 0; k < (fault == Fault.FirstChannel ? 1 : size.K); k++)
            {
                var weight = fault == Fault.WeightsTransposed ? (place * size.K + k) * size.C + c : (place * size.C + c) * size.K + k;
                sum += outputGradient[(oy * size.W + ox) * size.K + k] * weights[weight];
            }
            // As the forward pass would: each thread adds to its neighbours' gradients.
            if (fault == Fault.Scattered)
                inputGradient[(oy * size.W + ox) * size.C + c] += sum;
        }
        if (fault != Fault.Scattered)
            inputGradient[index] = sum;
    }

    private static void Upsampling(Read read, Index1D index, GlobalView<float> outputGradient, MergeSize size, GlobalView<float> topGradient)
    {
        var c = index % size.C;
        var tx = index / size.C % size.TopW;
        var ty = index / size.C / size.TopW;
        var (roundY, roundX) = read == Read.RoundedDown ? (0, 0) : (size.TopH - 1, size.TopW - 1);
        var (y0, x0) = ((ty * size.H + roundY) / size.TopH, (tx * size.W + roundX) / size.TopW);
        var (endY, endX) = (((ty + 1) * size.H + roundY) / size.TopH, ((tx + 1) * size.W + roundX) / size.TopW);
        if (read == Read.One)
            (endY, endX) = (y0 + 1, x0 + 1);
        if (read == Read.TwoByTwo)
            (y0, x0, endY, endX) = (ty * 2, tx * 2, ty * 2 + 2, tx * 2 + 2);
        var sum = 0f;
        for (var y = y0; y < endY; y++)
        {
            for (var x = x0; x < endX; x++)
                sum += outputGradient[(y * size.W + x) * size.C + c];
        }
        topGradient[index] = read == Read.Mean ? sum / ((endY - y0) * (endX - x0)) : sum;
    }
}
