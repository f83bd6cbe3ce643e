using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 9.</summary>
internal static class WrongChapter09
{
    private enum Fault { TiesShare, TiesSkip, TiesReversed, Smallest, Absolute, Ranks, LooseGuard, NoGuard, ShortLoop }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(9, "ties share a rank", "different ranks", () => Chapter09Check.Check((i, s, n, k, b) => Kernel(Fault.TiesShare, i, s, n, k, b))),
        new(9, "ties count each other", "different ranks", () => Chapter09Check.Check((i, s, n, k, b) => Kernel(Fault.TiesSkip, i, s, n, k, b))),
        new(9, "ties reversed", "larger index", () => Chapter09Check.Check((i, s, n, k, b) => Kernel(Fault.TiesReversed, i, s, n, k, b))),
        new(9, "smallest", "smallest", () => Chapter09Check.Check((i, s, n, k, b) => Kernel(Fault.Smallest, i, s, n, k, b))),
        new(9, "absolute values", "both signs", () => Chapter09Check.Check((i, s, n, k, b) => Kernel(Fault.Absolute, i, s, n, k, b))),
        new(9, "ranks for indices", "ranks themselves", () => Chapter09Check.Check((i, s, n, k, b) => Kernel(Fault.Ranks, i, s, n, k, b))),
        new(9, "guard off by one", "wrote best[40]", () => Chapter09Check.Check((i, s, n, k, b) => Kernel(Fault.LooseGuard, i, s, n, k, b))),
        new(9, "no guard", "guard at the end", () => Chapter09Check.Check((i, s, n, k, b) => Kernel(Fault.NoGuard, i, s, n, k, b))),
        new(9, "last score left out", "Chapter 9", () => Chapter09Check.Check((i, s, n, k, b) => Kernel(Fault.ShortLoop, i, s, n, k, b))),
    ];

    private static void Kernel(Fault fault, Index1D index, GlobalView<float> scores, int count, int k, GlobalView<int> best)
    {
        int i = index;
        var score = scores[i];
        var rank = 0;
        var end = fault == Fault.ShortLoop ? count - 1 : count;
        for (var j = 0; j < end; j++)
        {
            var other = scores[j];
            var isBetter = fault switch
            {
                Fault.TiesShare => other > score,
                Fault.TiesSkip => other >= score && j != i,
                Fault.TiesReversed => other > score || (other == score && j > i),
                Fault.Smallest => other < score || (other == score && j < i),
                Fault.Absolute => XMath.Abs(other) > XMath.Abs(score) || (XMath.Abs(other) == XMath.Abs(score) && j < i),
                _ => other > score || (other == score && j < i),
            };
            if (isBetter)
                rank++;
        }
        if (fault == Fault.NoGuard || rank < (fault == Fault.LooseGuard ? k + 1 : k))
            best[rank] = fault == Fault.Ranks ? rank : i;
    }
}
