using Fpn.IlGpu.Verification.Reference;
using ILGPU;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercise of chapter 9.</summary>
public sealed class Chapter09Check
{
    [Test]
    public void Your_kernel_finds_the_best() => Learner.Try(() => Check(Exercises.Chapter09.Kernel));

    public static void Check(Action<Index1D, GlobalView<float>, int, int, GlobalView<int>> kernel)
    {
        Check(kernel, "scores of both signs, no two alike", Values.Random(150, 1), 40);
        Check(kernel, "scores of which many are equal", [.. Values.Random(150, 2).Select(v => MathF.Round(v * 6) / 6)], 40);
        Check(kernel, "as many as there are", [.. Values.Random(9, 3).Select(v => MathF.Round(v * 3))], 9);
    }

    private static void Check(
        Action<Index1D, GlobalView<float>, int, int, GlobalView<int>> kernel, string launch, float[] values, int k)
    {
        var axes = new Axes(("rank", k));
        using var scores = new GlobalArray<float>("scores", values);
        using var best = new GlobalArray<int>("best", new int[k]);
        CourseDevice.Run(kernel, values.Length, scores.View, values.Length, k, best.View);

        var verdict = new Verdict(9, $"the best {k} of {values.Length} {launch}");
        var writes = best.Ledger.Writes;
        // Ties show in how often a place is written: a message about them helps more than one about memory.
        if (values.Distinct().Count() < values.Length && writes.IndexOfAnyExcept(1) is var odd && odd >= 0 && writes.IndexOfAnyExcept(0) >= 0)
        {
            throw verdict.Fault(writes[odd] == 0
                ? $"Nobody has rank {odd}. Equal scores must have different ranks: of two, only the one with the smaller index counts as better."
                : $"{writes[odd]} scores have rank {odd}. Equal scores must have different ranks: of two, the one with the smaller index is better.");
        }
        verdict.Memory(best, axes, scores);
        int[] Order(IEnumerable<int> all) => [.. all.Take(k)];
        int[] indices = [.. Enumerable.Range(0, values.Length)];
        verdict.Equal(
            "best", axes, TopKReference.Run(values, k), best.ToArray(),
            ("These are the smallest, not the largest: count the scores that are greater.", Order(indices.OrderBy(i => values[i]).ThenBy(i => i))),
            ("Of equal scores, the one with the larger index comes first; it should be the smaller one.", Order(indices.OrderByDescending(i => values[i]).ThenByDescending(i => i))),
            ("These are the largest by their distance from 0: logits of both signs are compared as they are.", Order(indices.OrderByDescending(i => MathF.Abs(values[i])).ThenBy(i => i))),
            ("These are the ranks themselves: store the thread's own index at the place that its rank says.", Order(indices)));
    }
}
