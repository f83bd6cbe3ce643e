using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercises of chapter 11.</summary>
public sealed class Chapter11Check
{
    [Test]
    public void Your_levels_are_those_of_equation_1() => Learner.Try(() => Check(Exercises.Chapter11.Level));

    [Test]
    public void Your_kernel_takes_the_mean_of_bilinear_samples() => Learner.Try(() => Check(Exercises.Chapter11.Kernel));

    public static void Check(Func<Box, int> level)
    {
        // Sides around each border between levels, wide and high boxes, and boxes that only the clamp brings to a level.
        (float W, float H)[] sides =
        [
            (224, 224), (223, 223), (112, 112), (111, 111), (448, 448), (447, 447), (56, 56), (20, 30), (896, 896), (1300, 800), (400, 50),
            (60, 300), (160, 160), (300, 350), (110, 130),
        ];
        var verdict = new Verdict(11, "levels");
        var axes = new Axes(("roi", sides.Length));
        int[] All(Func<float, float, float> of, bool clamp = true) => [.. sides.Select(s => of(s.W, s.H)).Select(v => (int)(clamp ? Math.Clamp(v, 2, 5) : v))];
        float Exact(float side) => 4 + MathF.Log2(side / 224) + 1e-6f;
        var got = sides.Select(s => level(new Box(10, 20, 10 + s.W, 20 + s.H))).ToArray();
        if (got.All(v => v == 0))
            throw verdict.Fault($"Every RoI is read from level 0. {verdict.Hole}");
        verdict.Equal(
            "level", axes, RoiLevelReference.Run([.. sides.SelectMany(s => (float[])[10, 20, 10 + s.W, 20 + s.H])], 2, 5), got,
            ("Levels are rounded to the nearest; they should be rounded down.", All((w, h) => MathF.Round(Exact(MathF.Sqrt(w * h))))),
            ("Levels are rounded up; they should be rounded down.", All((w, h) => MathF.Ceiling(Exact(MathF.Sqrt(w * h))))),
            ("Small and large RoIs are not clamped to P2 and P5.", All((w, h) => MathF.Floor(Exact(MathF.Sqrt(w * h))), clamp: false)),
            ("The longer side is the measure; it should be the root of the area.", All((w, h) => MathF.Floor(Exact(MathF.Max(w, h))))),
            ("The width is the measure; it should be the root of the area.", All((w, h) => MathF.Floor(Exact(w)))),
            ("The logarithm's base is e; a level is a factor of 2.", All((w, h) => MathF.Floor(4 + MathF.Log(MathF.Sqrt(w * h) / 224) + 1e-6f))),
            ("The area has no root: its logarithm is twice that of a side.", All((w, h) => MathF.Floor(4 + MathF.Log2(w * h / 224) + 1e-6f))),
            ("Large RoIs go to fine levels: the sign of the logarithm is wrong.", All((w, h) => MathF.Floor(4 - MathF.Log2(MathF.Sqrt(w * h) / 224) + 1e-6f))));
    }

    public static void Check(Action<Index1D, GlobalView<float>, GlobalView<Box>, AlignSize, GlobalView<float>> kernel)
    {
        var size = new AlignSize(9, 13, 3, 0.25f, 5);
        // Inside the map, at its right and lower edge, at the upper left corner, and smaller than a pixel of the map.
        Box[] all = [new(6.5f, 3.2f, 41.7f, 27.9f), new(30, 20, 52, 36), new(0, 0, 7, 9), new(20.5f, 11.5f, 22, 13)];
        var axes = new Axes(("r", all.Length), ("by", size.Bins), ("bx", size.Bins), ("c", size.C));
        var values = Values.Random(size.H * size.W * size.C, 1);
        using var map = new GlobalArray<float>("map", values);
        using var rois = new GlobalArray<Box>("rois", all);
        using var output = new GlobalArray<float>("output", new float[axes.Length]);
        CourseDevice.Run(kernel, axes.Length, map.View, rois.View, size, output.View);
        var verdict = new Verdict(11, $"RoIs on a map of {size.H} × {size.W} × {size.C}");
        verdict.Memory(output, axes, map, rois);
        var got = output.ToArray();
        if (got.All(v => v == 0))
            throw verdict.Fault($"Every value is 0. {verdict.Hole} The check needs your Bilinear, too.");
        verdict.Equal(
            "output", axes, Aligned(all, 2), got, 1e-4f,
            new Suspect("Each value is the sum of its samples; it should be their mean.", [.. Aligned(all, 2).Select(v => v * 4)]),
            new Suspect("There is one sample in the middle of each bin; there should be 2 × 2.", Aligned(all, 1)),
            new Suspect(
                "RoIs are shifted by half a pixel. That is the aligned form, which this model was not trained with.", Aligned(all, 2, aligned: true)),
            new Suspect(
                "RoIs smaller than a pixel are not made 1 × 1.",
                Sampled(all, (start, side, bin, s) => start + (bin + (s + 0.5f) / 2) * side / size.Bins, least: 0)),
            new Suspect(
                "Samples begin at the bin's edge; they are in the middle of its quarters, at ¼ and ¾ of its side.",
                Sampled(all, (start, side, bin, s) => start + (bin + s / 2f) * side / size.Bins)),
            new Suspect(
                "The RoI is rounded to whole pixels of the map: that is RoI pooling. RoIAlign rounds nothing.",
                Aligned([.. all.Select(b => new Box(Whole(b.X1), Whole(b.Y1), Whole(b.X2), Whole(b.Y2)))], 2)),
            new Suspect(
                "Coordinates are rounded down to a pixel; they should mix the four pixels around them.",
                Sampled(all, (start, side, bin, s) => MathF.Floor(start + (bin + (s + 0.5f) / 2) * side / size.Bins))),
            new Suspect(
                "The RoI is not scaled: its coordinates are in px of the input, and the map's pixels are further apart.",
                Aligned([.. all.Select(b => new Box(b.X1 / size.Scale, b.Y1 / size.Scale, b.X2 / size.Scale, b.Y2 / size.Scale))], 2, clamped: true)));

        float Whole(float px) => MathF.Round(px * size.Scale) / size.Scale;

        float[] Aligned(Box[] boxes, int samples, bool aligned = false, bool clamped = false) => clamped
            ? Sampled(boxes, (start, side, bin, s) => start + (bin + (s + 0.5f) / 2) * side / size.Bins)
            : RoiAlignReference.Run(
                values, [.. boxes.SelectMany(b => (float[])[b.X1, b.Y1, b.X2, b.Y2])], null, new Shape4(1, size.H, size.W, size.C), size.Scale,
                (size.Bins, size.Bins), samples, aligned);

        // The mean of 2 × 2 samples at other places.
        float[] Sampled(Box[] boxes, Func<float, float, int, int, float> place, float least = 1) => Values.Of(axes, i =>
        {
            var box = boxes[axes.At(i, 0)];
            var sum = 0f;
            for (var s = 0; s < 4; s++)
            {
                var y = place(box.Y1 * size.Scale, MathF.Max(box.Height * size.Scale, least), axes.At(i, 1), s / 2);
                var x = place(box.X1 * size.Scale, MathF.Max(box.Width * size.Scale, least), axes.At(i, 2), s % 2);
                sum += Mix(y, x, axes.At(i, 3));
            }
            return sum / 4;
        });

        float Mix(float y, float x, int c)
        {
            (y, x) = (Math.Clamp(y, 0, size.H - 1), Math.Clamp(x, 0, size.W - 1));
            var (y0, x0) = ((int)y, (int)x);
            var (y1, x1) = (Math.Min(y0 + 1, size.H - 1), Math.Min(x0 + 1, size.W - 1));
            float At(int row, int column) => values[(row * size.W + column) * size.C + c];
            return (At(y0, x0) * (x0 + 1 - x) + At(y0, x1) * (x - x0)) * (y0 + 1 - y) + (At(y1, x0) * (x0 + 1 - x) + At(y1, x1) * (x - x0)) * (y - y0);
        }
    }
}
