using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;
using Solution = Fpn.IlGpu.Course.Solutions.Chapter14;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 14.</summary>
internal static class WrongChapter14
{
    private enum Fault { NoFirstBarrier, NoSecondBarrier, WeightsTransposed, RoundedDown, FirstStepOnly, SumsInLoop, NoRegisters, NoSharing, NoStoreGuard }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(14, "count: a square tile", "Rows and columns differ", () => Chapter14Check.Check((p, k, t, d) => Solution.Count(p, k, t, d) with { GlobalReads = 2f / p })),
        new(14, "count: inverse", "inverse", () => Chapter14Check.Check((p, k, t, d) => Solution.Count(p, k, t, d) with { GlobalReads = (float)(p * k) / (p + k) })),
        new(14, "count: a whole step", "whole step", () => Chapter14Check.Check((p, k, t, d) => Solution.Count(p, k, t, d) with { GlobalReads = (float)(p + k) * d / (p * k) })),
        new(14, "count: one output a thread", "one output", () => Chapter14Check.Check((p, k, t, d) => Solution.Count(p, k, t, d) with { SharedReads = 2 })),
        new(14, "count: one tile", "Two tiles", () => Chapter14Check.Check((p, k, t, d) => Solution.Count(p, k, t, d) with { SharedReads = Solution.Count(p, k, t, d).SharedReads / 2 })),
        new(14, "count: values for bytes", "4 bytes", () => Chapter14Check.Check((p, k, t, d) => Solution.Count(p, k, t, d) with { SharedBytes = d * (p + k) })),
        new(14, "count: outputs shared", "its own sums", () => Chapter14Check.Check((p, k, t, d) => Solution.Count(p, k, t, d) with { SharedBytes = p * k * 4 })),
        new(14, "no barrier after loading", "missing barrier", () => Chapter14Check.Check((x, w, s, o) => Kernel(Fault.NoFirstBarrier, x, w, s, o))),
        new(14, "no barrier before loading", "missing barrier", () => Chapter14Check.Check((x, w, s, o) => Kernel(Fault.NoSecondBarrier, x, w, s, o))),
        new(14, "weights transposed", "[K, C]", () => Chapter14Check.Check((x, w, s, o) => Kernel(Fault.WeightsTransposed, x, w, s, o))),
        new(14, "steps rounded down", "Round up", () => Chapter14Check.Check((x, w, s, o) => Kernel(Fault.RoundedDown, x, w, s, o))),
        new(14, "one step", "first 8 channels", () => Chapter14Check.Check((x, w, s, o) => Kernel(Fault.FirstStepOnly, x, w, s, o))),
        new(14, "sums begin in the loop", "last step", () => Chapter14Check.Check((x, w, s, o) => Kernel(Fault.SumsInLoop, x, w, s, o))),
        new(14, "no registers", "shared memory for each multiply-add", () => Chapter14Check.Check((x, w, s, o) => Kernel(Fault.NoRegisters, x, w, s, o))),
        new(14, "nothing shared", "global memory for each multiply-add", () => Chapter14Check.Check((x, w, s, o) => Kernel(Fault.NoSharing, x, w, s, o))),
        new(14, "no guard of the store", "guard at the end", () => Chapter14Check.Check((x, w, s, o) => Kernel(Fault.NoStoreGuard, x, w, s, o))),
    ];

    private static void Kernel(Fault fault, GlobalView<float> map, GlobalView<float> weights, ProductSize size, GlobalView<float> output)
    {
        var pixels = new SharedView(SharedMemory.Allocate<float>(32 * 8));
        var columns = new SharedView(SharedMemory.Allocate<float>(8 * 32));
        var sums = new LocalView(LocalMemory.Allocate<float>(4 * 4));
        var thread = Group.IdxX;
        var tilesOfK = (size.K + 31) / 32;
        var firstM = Grid.IdxX / tilesOfK * 32;
        var firstK = Grid.IdxX % tilesOfK * 32;
        var (row, column) = (thread / 8 * 4, thread % 8 * 4);
        for (var i = 0; i < 16; i++)
            sums[i] = 0;
        var end = fault == Fault.RoundedDown ? size.C / 8 * 8 : fault == Fault.FirstStepOnly ? 8 : size.C;
        for (var first = 0; first < end; first += 8)
        {
            for (var i = thread; i < 256; i += 64)
            {
                var (m, k, c) = (firstM + i / 8, firstK + i % 32, first + i / 32);
                pixels[i] = m < size.M && first + i % 8 < size.C ? map[m * size.C + first + i % 8] : 0;
                columns[i] = c < size.C && k < size.K ? weights[fault == Fault.WeightsTransposed ? k * size.C + c : c * size.K + k] : 0;
            }
            if (fault != Fault.NoFirstBarrier)
                Group.Barrier();
            for (var i = 0; i < 16; i++)
            {
                if (fault == Fault.SumsInLoop)
                    sums[i] = 0;
            }
            for (var c = 0; c < 8; c++)
            {
                var (a0, a1, a2, a3) = (pixels[row * 8 + c], pixels[(row + 1) * 8 + c], pixels[(row + 2) * 8 + c], pixels[(row + 3) * 8 + c]);
                for (var j = 0; j < 4; j++)
                {
                    var b = columns[c * 32 + column + j];
                    if (fault == Fault.NoSharing && first + c < size.C && firstK + column + j < size.K)
                        b = weights[(first + c) * size.K + firstK + column + j];
                    sums[j] += a0 * b;
                    sums[4 + j] += a1 * b;
                    sums[8 + j] += a2 * b;
                    sums[12 + j] += (fault == Fault.NoRegisters ? pixels[(row + 3) * 8 + c] : a3) * b;
                }
            }
            if (fault != Fault.NoSecondBarrier)
                Group.Barrier();
        }
        for (var i = 0; i < 16; i++)
        {
            var (m, k) = (firstM + row + i / 4, firstK + column + i % 4);
            if ((m < size.M && k < size.K) || fault == Fault.NoStoreGuard)
                output[m * size.K + k] = sums[i];
        }
    }
}
