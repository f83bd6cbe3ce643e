using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercise of chapter 1.</summary>
public sealed class Chapter01Check
{
    [Test]
    public void Your_kernel_normalises_and_pads_a_picture() => Learner.Try(() => Check(Exercises.Chapter01.Kernel));

    public static void Check(Action<GlobalView<float>, GlobalView<float>, GlobalView<float>, PaddedSize, GlobalView<float>> kernel)
    {
        // Height, width and both paddings differ, and the output does not fill its last group.
        Check(kernel, new PaddedSize(5, 7, 6, 11));
        Check(kernel, new PaddedSize(9, 4, 9, 4));
    }

    private static void Check(
        Action<GlobalView<float>, GlobalView<float>, GlobalView<float>, PaddedSize, GlobalView<float>> kernel, PaddedSize size)
    {
        float[] mean = [0.485f, -0.456f, 0.25f], deviation = [0.5f, 2, 0.25f];
        var pixels = Values.Random(size.H * size.W * 3, seed: 1);
        var axes = new Axes(("y", size.PaddedH), ("x", size.PaddedW), ("c", 3));
        using var picture = new GlobalArray<float>("picture", pixels);
        using var means = new GlobalArray<float>("means", mean);
        using var deviations = new GlobalArray<float>("deviations", deviation);
        using var output = new GlobalArray<float>("output", new float[axes.Length]);
        CourseDevice.RunGroups(
            kernel, CourseDevice.GroupsFor(axes.Length), picture.View, means.View, deviations.View, size, output.View);

        float Value(int i, Func<int, int, int, float> of)
            => axes.At(i, 0) < size.H && axes.At(i, 1) < size.W ? of(axes.At(i, 0), axes.At(i, 1), axes.At(i, 2)) : 0;
        float Pixel(int y, int x, int c) => pixels[(y * size.W + x) * 3 + c];

        var verdict = new Verdict(1, $"a picture of {size.H} × {size.W} px in a map of {size.PaddedH} × {size.PaddedW}");
        verdict.Memory(output, axes, picture, means, deviations);
        verdict.Equal(
            "output", axes, Values.Of(axes, i => Value(i, (y, x, c) => (Pixel(y, x, c) - mean[c]) / deviation[c])), output.ToArray(), 1e-5f,
            new Suspect("These are the picture's own values: nothing is normalised.", Values.Of(axes, i => Value(i, Pixel))),
            new Suspect(
                "The deviation multiplies, and should divide.", Values.Of(axes, i => Value(i, (y, x, c) => (Pixel(y, x, c) - mean[c]) * deviation[c]))),
            new Suspect(
                "All channels use the mean and deviation of channel 0: c is not i % 3 there.",
                Values.Of(axes, i => Value(i, (y, x, c) => (Pixel(y, x, c) - mean[0]) / deviation[0]))),
            new Suspect(
                "The picture is read as if each channel were a plane (NCHW). In NHWC the three values of a pixel are neighbours.",
                Values.Of(axes, i => Value(i, (y, x, c) => (pixels[(c * size.H + y) * size.W + x] - mean[c]) / deviation[c]))),
            new Suspect(
                "The picture is read with the padded width: its own rows are W px long.",
                Values.Of(axes, i => Value(i, (y, x, c) =>
                    (pixels[Math.Min(pixels.Length - 1, (y * size.PaddedW + x) * 3 + c)] - mean[c]) / deviation[c]))));
    }
}
