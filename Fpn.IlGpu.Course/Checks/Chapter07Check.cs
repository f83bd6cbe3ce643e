using System.Globalization;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercises of chapter 7.</summary>
public sealed class Chapter07Check
{
    [Test]
    public void Your_kernel_smooths_four_channels_at_once() => Learner.Try(() => Check(Exercises.Chapter07.Smooth));

    [Test]
    public void Your_P6_is_every_other_pixel_of_P5() => Learner.Try(() => Check(Exercises.Chapter07.Subsample));

    public static void Check(
        Action<Index1D, GlobalView<float>, GlobalView<float>, GlobalView<float>, ConvolutionSize, GlobalView<float>> kernel)
    {
        var size = new ConvolutionSize(6, 9, 5, 8, 1);
        var axes = new Axes(("y", size.H), ("x", size.W), ("k", size.K));
        var (x, w, b) = (Values.Random(size.H * size.W * size.C, 1), Values.Random(9 * size.C * size.K, 2), Values.Random(size.K, 3));
        using var input = new GlobalArray<float>("input", x);
        using var weights = new GlobalArray<float>("weights", w);
        using var bias = new GlobalArray<float>("bias", b);
        using var output = new GlobalArray<float>("output", new float[axes.Length]);
        CourseDevice.Run(kernel, axes.Length / 4, input.View, weights.View, bias.View, size, output.View);

        var verdict = new Verdict(7, $"a map of {size.H} × {size.W} × {size.C}, {size.K} output channels");
        verdict.Memory(output, axes, input, weights, bias);
        float[] Sums(float[] window, float[]? offsets) => Chapter02Check.Reference(size, x, window, offsets);
        var expected = Sums(w, b);
        verdict.Equal(
            "output", axes, expected, output.ToArray(), 1e-4f,
            new Suspect("The bias is missing.", Sums(w, null)),
            new Suspect(
                "All four channels have the first one's bias: each of them begins with its own.",
                Sums(w, [.. b.Select((_, k) => b[k / 4 * 4])])),
            new Suspect("The values are cut at 0. There is no ReLU in the pyramid.", [.. expected.Select(v => MathF.Max(v, 0))]),
            new Suspect("The window is flipped.", Sums(Chapter02Check.Rearranged(size, w, p => 8 - p), b)),
            new Suspect(
                "The window is transposed: the place's row belongs to y, its column to x.",
                Sums(Chapter02Check.Rearranged(size, w, p => p % 3 * 3 + p / 3), b)),
            new Suspect(
                "All four channels have the first one's weights.",
                Sums([.. w.Select((_, i) => w[i / size.K * size.K + i % size.K / 4 * 4])], b)));
        var (reads, limit) = ((double)input.Ledger.Reads / axes.Length, 9 * size.C / 4.0);
        verdict.AtMost(
            "the input is read too often for each output", reads, limit, "Read a value once into a variable, and multiply it by four weights.");
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{reads:0.00} reads of the input an output; with one thread for each output they are four times as many"));
    }

    public static void Check(Action<Index1D, GlobalView<float>, MapSize, GlobalView<float>> kernel)
    {
        foreach (var size in (MapSize[])[new(6, 8, 3), new(5, 9, 2), new(1, 3, 2)])
            Check(kernel, size);
    }

    private static void Check(Action<Index1D, GlobalView<float>, MapSize, GlobalView<float>> kernel, MapSize size)
    {
        var axes = new Axes(("y", (size.H + 1) / 2), ("x", (size.W + 1) / 2), ("c", size.C));
        var p5 = Values.Random(size.H * size.W * size.C, 1);
        using var input = new GlobalArray<float>("P5", p5);
        using var output = new GlobalArray<float>("P6", new float[axes.Length]);
        CourseDevice.Run(kernel, axes.Length, input.View, size, output.View);

        float At(int y, int x, int c, int? width = null)
            => p5[Math.Min(p5.Length - 1, (Math.Min(y, size.H - 1) * (width ?? size.W) + Math.Min(x, size.W - 1)) * size.C + c)];
        float[] Taken(Func<int, int, int, float> of) => Values.Of(axes, i => of(axes.At(i, 0), axes.At(i, 1), axes.At(i, 2)));

        var verdict = new Verdict(7, $"P6 of a P5 of {size.H} × {size.W} × {size.C}");
        verdict.Memory(output, axes, input);
        verdict.Equal(
            "P6", axes, SubsampleReference.Run(p5, new Shape4(1, size.H, size.W, size.C)), output.ToArray(), 0,
            new Suspect(
                "Each value is the mean of four: P6 takes one pixel of four as it is, a pool of 1×1.",
                Taken((y, x, c) => (At(2 * y, 2 * x, c) + At(2 * y, 2 * x + 1, c) + At(2 * y + 1, 2 * x, c) + At(2 * y + 1, 2 * x + 1, c)) / 4)),
            new Suspect(
                "Each value is the largest of four: P6 takes one pixel of four as it is, a pool of 1×1.",
                Taken((y, x, c) => Math.Max(
                    Math.Max(At(2 * y, 2 * x, c), At(2 * y, 2 * x + 1, c)), Math.Max(At(2 * y + 1, 2 * x, c), At(2 * y + 1, 2 * x + 1, c))))),
            new Suspect("Rows and columns are those with odd numbers: the first one of P6 is the first one of P5.", Taken((y, x, c) => At(2 * y + 1, 2 * x + 1, c))),
            new Suspect("The first pixels are copied: the step of 2 is missing.", Taken((y, x, c) => At(y, x, c))));
    }
}
