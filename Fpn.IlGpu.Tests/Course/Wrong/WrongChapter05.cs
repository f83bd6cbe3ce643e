using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 5.</summary>
internal static class WrongChapter05
{
    private enum Fault
    {
        NoBias, BiasInEachStep, WeightsTransposed, LastChannelsMissing, FirstStepOnly, NoFirstBarrier, NoSecondBarrier, NoDepthGuard, Naive,
        Transposed,
    }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(5, "no bias", "bias is missing", () => Chapter05Check.Check((x, w, b, s, o) => Kernel(Fault.NoBias, x, w, b, s, o))),
        new(5, "bias in each step", "should be added once", () => Chapter05Check.Check((x, w, b, s, o) => Kernel(Fault.BiasInEachStep, x, w, b, s, o))),
        new(5, "weights transposed", "[K, C]", () => Chapter05Check.Check((x, w, b, s, o) => Kernel(Fault.WeightsTransposed, x, w, b, s, o))),
        new(5, "steps rounded down", "Round up", () => Chapter05Check.Check((x, w, b, s, o) => Kernel(Fault.LastChannelsMissing, x, w, b, s, o))),
        new(5, "one step", "first 8 channels", () => Chapter05Check.Check((x, w, b, s, o) => Kernel(Fault.FirstStepOnly, x, w, b, s, o))),
        new(5, "no barrier after loading", "missing barrier", () => Chapter05Check.Check((x, w, b, s, o) => Kernel(Fault.NoFirstBarrier, x, w, b, s, o))),
        new(5, "no barrier before loading", "missing barrier", () => Chapter05Check.Check((x, w, b, s, o) => Kernel(Fault.NoSecondBarrier, x, w, b, s, o))),
        new(5, "no guard for channels", "wrong sizes", () => Chapter05Check.Check((x, w, b, s, o) => Kernel(Fault.NoDepthGuard, x, w, b, s, o))),
        new(5, "naive", "too much is read", () => Chapter05Check.Check((x, w, b, s, o) => Kernel(Fault.Naive, x, w, b, s, o))),
        new(5, "transposed", "transposed", () => Chapter05Check.Check((x, w, b, s, o) => Kernel(Fault.Transposed, x, w, b, s, o))),
    ];

    private static void Kernel(
        Fault fault, GlobalView<float> map, GlobalView<float> weights, GlobalView<float> bias, ProductSize size, GlobalView<float> output)
    {
        var pixels = new SharedView(SharedMemory.Allocate<float>(8 * 8));
        var columns = new SharedView(SharedMemory.Allocate<float>(8 * 8));
        var (row, column) = (Group.IdxX / 8, Group.IdxX % 8);
        var tilesOfK = (size.K + 7) / 8;
        var m = Grid.IdxX / tilesOfK * 8 + row;
        var k = Grid.IdxX % tilesOfK * 8 + column;
        var sum = 0f;
        var end = fault == Fault.FirstStepOnly ? 8 : fault == Fault.LastChannelsMissing ? size.C / 8 * 8 : size.C;
        for (var first = 0; first < end; first += 8)
        {
            var limit = fault == Fault.NoDepthGuard ? size.C + 8 : size.C;
            pixels[row * 8 + column] = m < size.M && first + column < limit ? map[m * size.C + first + column] : 0;
            var weight = fault == Fault.WeightsTransposed ? k * size.C + first + row : (first + row) * size.K + k;
            columns[row * 8 + column] = first + row < limit && k < size.K ? weights[weight] : 0;
            if (fault != Fault.NoFirstBarrier)
                Group.Barrier();
            for (var c = 0; c < 8; c++)
            {
                if (fault == Fault.Naive)
                    sum += m < size.M && k < size.K && first + c < size.C ? map[m * size.C + first + c] * weights[(first + c) * size.K + k] : 0;
                else
                    sum += pixels[row * 8 + c] * columns[c * 8 + column];
            }
            if (fault == Fault.BiasInEachStep && k < size.K)
                sum += bias[k];
            if (fault != Fault.NoSecondBarrier)
                Group.Barrier();
        }
        if (m < size.M && k < size.K)
            output[fault == Fault.Transposed ? k * size.M + m : m * size.K + k] = fault is Fault.NoBias or Fault.BiasInEachStep ? sum : sum + bias[k];
    }
}
