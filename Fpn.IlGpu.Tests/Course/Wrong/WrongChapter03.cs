using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 3.</summary>
internal static class WrongChapter03
{
    private enum Fault { NoFirstBarrier, NoSecondBarrier, EarlyReturn, NoSharing, NoGuard, NoHalo, Transposed, HalfLoaded, SumInLoop, NoStoreGuard }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(3, "no barrier after loading", "missing barrier", () => Chapter03Check.Check((x, w, s, o) => Kernel(Fault.NoFirstBarrier, x, w, s, o))),
        new(3, "no barrier before loading", "missing barrier", () => Chapter03Check.Check((x, w, s, o) => Kernel(Fault.NoSecondBarrier, x, w, s, o))),
        new(3, "early return", "should be", () => Chapter03Check.Check((x, w, s, o) => Kernel(Fault.EarlyReturn, x, w, s, o))),
        new(3, "nothing shared", "too much is read from global memory", () => Chapter03Check.Check((x, w, s, o) => Kernel(Fault.NoSharing, x, w, s, o))),
        new(3, "no guard", "guard against coordinates below 0", () => Chapter03Check.Check((x, w, s, o) => Kernel(Fault.NoGuard, x, w, s, o))),
        new(3, "no halo", "neighbour at", () => Chapter03Check.Check((x, w, s, o) => Kernel(Fault.NoHalo, x, w, s, o))),
        new(3, "transposed", "transposed", () => Chapter03Check.Check((x, w, s, o) => Kernel(Fault.Transposed, x, w, s, o))),
        new(3, "half loaded", "should be", () => Chapter03Check.Check((x, w, s, o) => Kernel(Fault.HalfLoaded, x, w, s, o))),
        new(3, "sum begins in the loop", "Only the last channel", () => Chapter03Check.Check((x, w, s, o) => Kernel(Fault.SumInLoop, x, w, s, o))),
        new(3, "no guard of the store", "guard at the end", () => Chapter03Check.Check((x, w, s, o) => Kernel(Fault.NoStoreGuard, x, w, s, o))),
    ];

    private static void Kernel(Fault fault, GlobalView<float> input, GlobalView<float> weights, MapSize size, GlobalView<float> output)
    {
        var tile = new SharedView(SharedMemory.Allocate<float>(10 * 10));
        var thread = Group.IdxX;
        var tilesInRow = (size.W + 7) / 8;
        var firstY = Grid.IdxX / tilesInRow * 8;
        var firstX = Grid.IdxX % tilesInRow * 8;
        var y = firstY + thread / 8;
        var x = firstX + thread % 8;
        if (fault == Fault.EarlyReturn && (y >= size.H || x >= size.W))
            return;
        var halo = fault == Fault.NoHalo ? 0 : 1;
        var sum = 0f;
        for (var c = 0; c < size.C; c++)
        {
            if (fault == Fault.SumInLoop)
                sum = 0;
            for (var i = thread; i < (fault == Fault.HalfLoaded ? 64 : 100); i += 64)
            {
                var iy = firstY - halo + i / 10;
                var ix = firstX - halo + i % 10;
                var isInside = fault == Fault.NoGuard || (iy >= 0 && iy < size.H && ix >= 0 && ix < size.W);
                tile[i] = isInside ? input[(iy * size.W + ix) * size.C + c] : 0;
            }
            if (fault != Fault.NoFirstBarrier)
                Group.Barrier();
            for (var place = 0; place < 9; place++)
            {
                var (ky, kx) = fault == Fault.Transposed ? (place % 3, place / 3) : (place / 3, place % 3);
                var value = tile[(thread / 8 + ky) * 10 + thread % 8 + kx];
                var (iy, ix) = (y - 1 + ky, x - 1 + kx);
                if (fault == Fault.NoSharing)
                    value = iy >= 0 && iy < size.H && ix >= 0 && ix < size.W ? input[(iy * size.W + ix) * size.C + c] : 0;
                sum += value * weights[place * size.C + c];
            }
            if (fault != Fault.NoSecondBarrier)
                Group.Barrier();
        }
        if (fault == Fault.NoStoreGuard || (y < size.H && x < size.W))
            output[y * size.W + x] = sum;
    }
}
