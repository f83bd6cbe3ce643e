using System.Globalization;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercise of chapter 5.</summary>
public sealed class Chapter05Check
{
    // A product that fills its tiles, and one that fills none of them in any direction.
    private static readonly ProductSize[] Sizes = [new(16, 16, 24), new(21, 13, 10)];

    [Test]
    public void Your_naive_kernel_is_a_matrix_product() => Learner.Try(() => Check(Exercises.Chapter05.Naive));

    [Test]
    public void Your_tiled_kernel_reads_a_quarter_of_a_value_for_each_product() => Learner.Try(() => Check(Exercises.Chapter05.Tiled));

    public static void Check(
        Action<Index1D, GlobalView<float>, GlobalView<float>, GlobalView<float>, ProductSize, GlobalView<float>> naive)
    {
        foreach (var size in Sizes)
        {
            Check(size, "naive", mostReads: 2, (map, weights, bias, output) =>
                CourseDevice.Run(naive, size.M * size.K, map, weights, bias, size, output));
        }
    }

    public static void Check(Action<GlobalView<float>, GlobalView<float>, GlobalView<float>, ProductSize, GlobalView<float>> tiled)
    {
        foreach (var size in Sizes)
        {
            // Each tile reads 8 values of both matrices for 64 multiply-adds; tiles at the edges are not full.
            var (rows, columns) = ((size.M + 7) / 8, (size.K + 7) / 8);
            Check(size, "tiled", 1.02 * ((double)columns / size.K + (double)rows / size.M), (map, weights, bias, output) =>
                CourseDevice.RunGroups(tiled, rows * columns, map, weights, bias, size, output));
        }
    }

    private static void Check(
        ProductSize size, string name, double mostReads,
        Action<GlobalView<float>, GlobalView<float>, GlobalView<float>, GlobalView<float>> launch)
    {
        var axes = new Axes(("m", size.M), ("k", size.K));
        var (x, w, b) = (Values.Random(size.M * size.C, 1), Values.Random(size.C * size.K, 2), Values.Random(size.K, 3));
        using var map = new GlobalArray<float>("map", x);
        using var weights = new GlobalArray<float>("weights", w);
        using var bias = new GlobalArray<float>("bias", b);
        using var output = new GlobalArray<float>("output", new float[axes.Length]);
        launch(map.View, weights.View, bias.View, output.View);

        var verdict = new Verdict(5, $"[{size.M}, {size.C}] · [{size.C}, {size.K}], {name}") { Otherwise = Verdict.Scattered };
        verdict.Memory(output, axes, map, weights, bias);
        float[] Product(float[] values, float[] matrix, float[]? offsets) => MatMulReference.Run(values, matrix, offsets, size.M, size.C, size.K);
        verdict.Equal(
            "output", axes, Product(x, w, b), output.ToArray(), 1e-4f,
            new Suspect("The bias is missing.", Product(x, w, null)),
            new Suspect("The bias is added in each step of 8 channels, and should be added once.",
                Product(x, w, [.. b.Select(v => v * ((size.C + 7) / 8))])),
            new Suspect(
                "The weights are read as [K, C]: in [C, K] the output channel changes fastest.",
                Product(x, [.. w.Select((_, i) => w[i % size.K * size.C + i / size.K])], b)),
            new Suspect(
                "The last channels are missing: C / 8 steps are too few where C is not a multiple of 8. Round up.",
                Product([.. x.Select((v, i) => i % size.C < size.C / 8 * 8 ? v : 0)], w, b)),
            new Suspect("Only the first 8 channels are in the sum.", Product([.. x.Select((v, i) => i % size.C < 8 ? v : 0)], w, b)));
        var reads = (double)(map.Ledger.Reads + weights.Ledger.Reads) / ((double)size.M * size.C * size.K);
        verdict.AtMost(
            "too much is read from global memory for each multiply-add", reads, mostReads,
            "In tiles, each thread reads one value of both matrices in a step, and eight of each from the tiles.");
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"[{size.M}, {size.C}] · [{size.C}, {size.K}]: {name}: {reads:0.00} global reads a multiply-add"));
    }
}
