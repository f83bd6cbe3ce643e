using System.Globalization;
using Fpn.IlGpu.Verification.Reference;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercises of chapter 14.</summary>
public sealed class Chapter14Check
{
    private const int Tile = 32;
    private const int Side = 4;

    [Test]
    public void Your_counts_are_those_of_the_tiles() => Learner.Try(() => Check(Exercises.Chapter14.Count));

    [Test]
    public void Your_kernel_keeps_sixteen_sums_a_thread() => Learner.Try(() => Check(Exercises.Chapter14.Kernel));

    public static void Check(Func<int, int, int, int, TileCounts> count)
    {
        // Chapter 5's tile, the library's SharedTile and RegisterTile, and two whose sides differ.
        foreach (var (pixels, channels, threads, depth) in ((int, int, int, int)[])
            [(8, 8, 64, 8), (16, 16, 256, 16), (128, 64, 128, 8), (64, 16, 64, 4), (32, 32, 64, 8)])
        {
            var verdict = new Verdict(14, $"tiles of {pixels} × {channels} by {threads} threads, {depth} values deep");
            var got = count(pixels, channels, threads, depth);
            if (got == default)
                throw verdict.Fault($"Nothing is counted. {verdict.Hole}");
            var outputs = pixels * channels;
            var side = MathF.Sqrt((float)outputs / threads);
            Verify("reads from global memory for a multiply-add", got.GlobalReads, (float)(pixels + channels) / outputs,
                "For each of the depth's values, a group reads one value for each row and each column of its tile, and does a multiply-add for each output.",
                (2f / pixels, "Rows and columns differ: (pixels + channels) / (pixels · channels)."),
                ((float)outputs / (pixels + channels), "This is its inverse: multiply-adds for a read."),
                ((float)(pixels + channels) * depth / outputs, "This is the count of a whole step: each value of the depth has multiply-adds of its own."));
            Verify("reads from shared memory for a multiply-add", got.SharedReads, 2 / side,
                "A thread of s × s outputs reads s values of both tiles for s² multiply-adds.",
                (2f, "That is a thread with one output. A thread with s × s outputs uses each value s times."),
                (side / 2, "This is its inverse: multiply-adds for a read."),
                (1 / side, "Two tiles are read, not one."));
            Verify("bytes of shared memory", got.SharedBytes, depth * (pixels + channels) * 4,
                "Both tiles are there, depth values for each row and each column, and a float has 4 bytes.",
                (depth * (pixels + channels), "That is the number of values; a float has 4 bytes."),
                (outputs * 4, "The outputs are not in shared memory: each thread keeps its own sums."));

            void Verify(string what, float value, float expected, string meaning, params (float Value, string Meaning)[] suspects)
            {
                if (MathF.Abs(value - expected) <= 1e-5f * expected)
                    return;
                var suspect = suspects.FirstOrDefault(s => MathF.Abs(s.Value - value) <= 1e-5f * s.Value);
                throw verdict.Fault(string.Create(
                    CultureInfo.InvariantCulture, $"The {what} should be {expected:G5}, and are {value:G5}.\n{suspect.Meaning ?? meaning}"));
            }
        }
    }

    public static void Check(Action<GlobalView<float>, GlobalView<float>, ProductSize, GlobalView<float>> kernel)
    {
        Check(kernel, new ProductSize(32, 16, 64));
        Check(kernel, new ProductSize(37, 11, 34));
    }

    private static void Check(Action<GlobalView<float>, GlobalView<float>, ProductSize, GlobalView<float>> kernel, ProductSize size)
    {
        var axes = new Axes(("m", size.M), ("k", size.K));
        var (x, w) = (Values.Random(size.M * size.C, 1), Values.Random(size.C * size.K, 2));
        using var map = new GlobalArray<float>("map", x);
        using var weights = new GlobalArray<float>("weights", w);
        using var output = new GlobalArray<float>("output", new float[axes.Length]);
        var (rows, columns) = ((size.M + Tile - 1) / Tile, (size.K + Tile - 1) / Tile);
        CourseDevice.RunGroups(kernel, rows * columns, map.View, weights.View, size, output.View);
        var sharedReads = Ledger.Shared.Reads;

        var verdict = new Verdict(14, $"[{size.M}, {size.C}] · [{size.C}, {size.K}]") { Otherwise = Verdict.Scattered };
        verdict.Memory(output, axes, map, weights);
        float[] Product(float[] values, float[] matrix) => MatMulReference.Run(values, matrix, null, size.M, size.C, size.K);
        verdict.Equal(
            "output", axes, Product(x, w), output.ToArray(), 1e-4f,
            new Suspect(
                "The weights are read as [K, C]: in [C, K] the output channel changes fastest.",
                Product(x, [.. w.Select((_, i) => w[i % size.K * size.C + i / size.K])])),
            new Suspect(
                "The last channels are missing: C / 8 steps are too few where C is not a multiple of 8. Round up.",
                Product([.. x.Select((v, i) => i % size.C < size.C / 8 * 8 ? v : 0)], w)),
            new Suspect("Only the last step is in the sums: they are set to 0 once, before the first.",
                Product([.. x.Select((v, i) => i % size.C >= (size.C - 1) / 8 * 8 ? v : 0)], w)),
            new Suspect("Only the first 8 channels are in the sums.", Product([.. x.Select((v, i) => i % size.C < 8 ? v : 0)], w)));
        var products = (double)size.M * size.C * size.K;
        var reads = (map.Ledger.Reads + weights.Ledger.Reads) / products;
        verdict.AtMost(
            "too much is read from global memory for each multiply-add", reads, 1.02 * ((double)columns / size.K + (double)rows / size.M),
            "Each thread reads four values of each tile and step.");
        // Threads at the edges multiply zeros, too.
        var multiplied = (double)rows * columns * Tile * Tile * ((size.C + 7) / 8 * 8);
        verdict.AtMost(
            "too much is read from shared memory for each multiply-add", sharedReads / multiplied, 1.02 * 2 / Side,
            "Read four values of both tiles into variables, and multiply each with each: 8 reads for 16 multiply-adds.");
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"[{size.M}, {size.C}] · [{size.C}, {size.K}]: {reads:0.000} global and {sharedReads / multiplied:0.00} shared reads a multiply-add"));
    }
}
