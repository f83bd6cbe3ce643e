using System.Globalization;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercise of chapter 3.</summary>
public sealed class Chapter03Check
{
    private const double MostReads = 1.6;

    [Test]
    public void Your_kernel_shares_its_tile() => Learner.Try(() => Check(Exercises.Chapter03.Kernel));

    public static void Check(Action<GlobalView<float>, GlobalView<float>, MapSize, GlobalView<float>> kernel)
    {
        Check(kernel, new MapSize(16, 24, 1));
        Check(kernel, new MapSize(13, 21, 3));
    }

    private static void Check(Action<GlobalView<float>, GlobalView<float>, MapSize, GlobalView<float>> kernel, MapSize size)
    {
        var axes = new Axes(("y", size.H), ("x", size.W));
        var convolution = new ConvolutionSize(size.H, size.W, size.C, 1, 1);
        var (x, w) = (Values.Random(size.H * size.W * size.C, 1), Values.Random(9 * size.C, 2));
        using var input = new GlobalArray<float>("input", x);
        using var weights = new GlobalArray<float>("weights", w);
        using var output = new GlobalArray<float>("output", new float[axes.Length]);
        var groups = (size.H + 7) / 8 * ((size.W + 7) / 8);
        CourseDevice.RunGroups(kernel, groups, input.View, weights.View, size, output.View);

        var verdict = new Verdict(3, $"a map of {size.H} × {size.W} × {size.C}") { Otherwise = Verdict.Scattered };
        verdict.Memory(output, axes, input, weights);
        float[] Sums(float[] window) => Chapter02Check.Reference(convolution, x, window, null);
        verdict.Equal(
            "output", axes, Sums(w), output.ToArray(), 1e-4f,
            new Suspect(
                "The window is transposed: the place's row belongs to y, its column to x.",
                Sums(Chapter02Check.Rearranged(convolution, w, p => p % 3 * 3 + p / 3))),
            new Suspect("The window is flipped.", Sums(Chapter02Check.Rearranged(convolution, w, p => 8 - p))),
            new Suspect(
                "Only the last channel is in the sum: it must begin before the loop over the channels.",
                Chapter02Check.Reference(convolution, [.. x.Select((v, i) => i % size.C == size.C - 1 ? v : 0)], w, null)));
        var reads = (double)input.Ledger.Reads / (axes.Length * size.C);
        verdict.AtMost(
            "too much is read from global memory for each output and channel", reads, MostReads,
            "Read the input once into the tile, and the tile nine times.");
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{size.H} × {size.W} × {size.C}: {reads:0.00} reads of the input for each output and channel"));
    }
}
