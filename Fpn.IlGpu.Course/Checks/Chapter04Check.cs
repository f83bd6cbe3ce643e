using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercises of chapter 4.</summary>
public sealed class Chapter04Check
{
    [Test]
    public void Your_kernel_takes_the_largest_value() => Learner.Try(() => Check(Exercises.Chapter04.MaxPool));

    [Test]
    public void Your_receptive_fields_are_those_of_a_ResNet() => Learner.Try(() => Check(Exercises.Chapter04.After));

    public static void Check(Action<Index1D, GlobalView<float>, MapSize, GlobalView<float>> kernel)
    {
        // Odd and even sides; all values negative in the second map, as after a convolution without a ReLU.
        Check(kernel, new MapSize(9, 6, 3), Values.Random(9 * 6 * 3, 1));
        Check(kernel, new MapSize(6, 11, 2), [.. Values.Random(6 * 11 * 2, 2).Select(v => v - 2)]);
    }

    public static void Check(Func<(int FieldPx, int StepPx), int, int, (int FieldPx, int StepPx)> after)
    {
        var verdict = new Verdict(4, "the layers of ResNet-18");
        var layer = after((1, 1), 7, 2);
        if (layer == (1, 1))
            throw verdict.Fault($"After the first layer, nothing has changed. {verdict.Hole}");
        var stem = after(layer, 3, 2);
        Verify("a 7×7 convolution of stride 2", layer, (7, 2));
        Verify("a 7×7 convolution and a 3×3 pool, both of stride 2", stem, (11, 4));
        var fields = ResNetLayout.Of([2, 2, 2, 2], isBottleneck: false, [64, 128, 256, 512]).ReceptiveFieldsPx().ToArray();
        var at = stem;
        for (var stage = 0; stage < 4; stage++)
        {
            // Two blocks of two 3×3 convolutions; all stages but the first begin with a stride of 2.
            for (var convolution = 0; convolution < 4; convolution++)
                at = after(at, 3, stage > 0 && convolution == 0 ? 2 : 1);
            Verify($"C{stage + 2}", at, (fields[stage], 4 << stage));
        }
        TestContext.Out.WriteLine($"Receptive fields of ResNet-18's C2 to C5, in px: {string.Join(", ", fields)}");

        void Verify(string map, (int FieldPx, int StepPx) got, (int FieldPx, int StepPx) expected)
        {
            if (got == expected)
                return;
            var hint = got.StepPx != expected.StepPx
                ? "A layer of stride s makes the step s times as long; a stride of 1 leaves it."
                : got.FieldPx > expected.FieldPx
                    ? "A window of n px reaches n − 1 steps further than one pixel, and the steps are those of the layer's input, not of its output."
                    : "The window's pixels are as far apart as the input's step says: 1 px only in the picture itself.";
            throw verdict.Fault(
                $"{map} should have a field of {expected.FieldPx} px and a step of {expected.StepPx} px, and has {got.FieldPx} and {got.StepPx}. {hint}");
        }
    }

    private static void Check(Action<Index1D, GlobalView<float>, MapSize, GlobalView<float>> kernel, MapSize size, float[] x)
    {
        var axes = new Axes(("y", (size.H - 1) / 2 + 1), ("x", (size.W - 1) / 2 + 1), ("c", size.C));
        using var input = new GlobalArray<float>("input", x);
        using var output = new GlobalArray<float>("output", new float[axes.Length]);
        CourseDevice.Run(kernel, axes.Length, input.View, size, output.View);

        var shape = new Shape4(1, size.H, size.W, size.C);
        float[] Pool(float[] values) => MaxPool2dReference.Run(values, shape, (3, 3), (2, 2), (1, 1));

        var expected = Pool(x);
        var verdict = new Verdict(4, $"a map of {size.H} × {size.W} × {size.C}, {(x.Max() < 0 ? "all values negative" : "values of both signs")}");
        verdict.Memory(output, axes, input);
        verdict.Equal(
            "output", axes, expected, output.ToArray(), 0,
            new Suspect(
                "The largest value begins with 0, which is larger than all of a window's values here: begin with float.NegativeInfinity.",
                [.. expected.Select(v => MathF.Max(v, 0))]),
            new Suspect("These are the smallest values, not the largest.", [.. Pool([.. x.Select(v => -v)]).Select(v => -v)]),
            new Suspect("The window has 2×2 places, and should have 3×3.", Windows(size, axes, x, (y, i) => y * 2 + Math.Min(i, 1))),
            new Suspect(
                "The window begins at the pixel itself: with a padding of 1 it begins one row above and one column to the left.",
                Windows(size, axes, x, (y, i) => y * 2 + i)),
            new Suspect(
                "The window is around pixel (y, x) of the input: with a stride of 2 it is around (2y, 2x).", Windows(size, axes, x, (y, i) => y - 1 + i)));
    }

    // The largest of nine places, with a place's row (or column) from that of the output.
    private static float[] Windows(MapSize size, Axes axes, float[] x, Func<int, int, int> at) => Values.Of(axes, i =>
    {
        var largest = float.NegativeInfinity;
        for (var place = 0; place < 9; place++)
        {
            var (iy, ix) = (at(axes.At(i, 0), place / 3), at(axes.At(i, 1), place % 3));
            if (iy >= 0 && iy < size.H && ix >= 0 && ix < size.W)
                largest = MathF.Max(largest, x[(iy * size.W + ix) * size.C + axes.At(i, 2)]);
        }
        return largest;
    });
}
