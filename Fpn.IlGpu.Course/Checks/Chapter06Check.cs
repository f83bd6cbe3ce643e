using Fpn.IlGpu.Verification.Reference;
using ILGPU;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercise of chapter 6.</summary>
public sealed class Chapter06Check
{
    private const string Rounded = "The coarser pixel is rounded to the nearest, and should be rounded down.";

    [Test]
    public void Your_kernel_merges_maps() => Learner.Try(() => Check(Exercises.Chapter06.Kernel));

    public static void Check(Action<Index1D, GlobalView<float>, GlobalView<float>, MergeSize, GlobalView<float>> kernel)
    {
        Check(kernel, new MergeSize(8, 12, 4, 6, 3));
        // A picture of 600 × 1000 px: its P3 has 75 rows, its P4 has 38.
        Check(kernel, new MergeSize(75, 25, 38, 13, 2));
        Check(kernel, new MergeSize(10, 7, 4, 3, 2));
    }

    private static void Check(
        Action<Index1D, GlobalView<float>, GlobalView<float>, MergeSize, GlobalView<float>> kernel, MergeSize size)
    {
        var axes = new Axes(("y", size.H), ("x", size.W), ("c", size.C));
        var (fine, coarse) = (Values.Random(axes.Length, 1), Values.Random(size.TopH * size.TopW * size.C, 2));
        using var lateral = new GlobalArray<float>("lateral", fine);
        using var top = new GlobalArray<float>("top", coarse);
        using var output = new GlobalArray<float>("output", new float[axes.Length]);
        CourseDevice.Run(kernel, axes.Length, lateral.View, top.View, size, output.View);

        float[] Merged(Func<int, int> rowOf, Func<int, int> columnOf, int? width = null) => Values.Of(axes, i => fine[i] + coarse[
            (Math.Min(rowOf(axes.At(i, 0)), size.TopH - 1) * (width ?? size.TopW) + Math.Min(columnOf(axes.At(i, 1)), size.TopW - 1)) * size.C
                + axes.At(i, 2)]);
        int Row(int y) => y * size.TopH / size.H;
        int Column(int x) => x * size.TopW / size.W;

        var verdict = new Verdict(6, $"a map of {size.H} × {size.W} below one of {size.TopH} × {size.TopW}");
        verdict.Memory(output, axes, lateral, top);
        verdict.Equal(
            "output", axes,
            MergeReference.Run(coarse, new Shape4(1, size.TopH, size.TopW, size.C), fine, new Shape4(1, size.H, size.W, size.C)), output.ToArray(),
            1e-6f,
            new Suspect("This is the lateral alone: nothing of the coarser map is added.", fine),
            new Suspect("This is the upsampled map alone: the lateral is missing.", [.. Merged(Row, Column).Zip(fine, (sum, own) => sum - own)]),
            new Suspect(
                "The coarser map's rows are taken to be W / 2 px long. They are TopW px long, and an odd W makes the difference.",
                Merged(Row, Column, size.W / 2)),
            new Suspect(
                "The coarser pixel is y / 2, x / 2, which is right only where H is twice TopH: it is ⌊y · TopH / H⌋.",
                Merged(y => y / 2, x => x / 2)),
            new Suspect(Rounded, Merged(y => (int)MathF.Round((float)y * size.TopH / size.H), x => (int)MathF.Round((float)x * size.TopW / size.W))),
            new Suspect(Rounded, Merged(y => (y * size.TopH * 2 + size.H) / (size.H * 2), x => (x * size.TopW * 2 + size.W) / (size.W * 2))),
            new Suspect(
                "Every channel gets channel 0 of the coarser map.",
                Values.Of(axes, i => fine[i] + coarse[(Row(axes.At(i, 0)) * size.TopW + Column(axes.At(i, 1))) * size.C])));
    }
}
