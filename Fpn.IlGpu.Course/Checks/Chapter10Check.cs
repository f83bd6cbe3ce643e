using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercises of chapter 10.</summary>
public sealed class Chapter10Check
{
    // Not a multiple of 32.
    private const int Count = 70;
    private const int Words = 3;
    private const float Threshold = 0.5f;

    [Test]
    public void Your_IoU_is_shared_area_over_joint_area() => Learner.Try(() => Check(Exercises.Chapter10.IntersectionOverUnion));

    [Test]
    public void Your_mask_has_the_boxes_that_each_would_suppress() => Learner.Try(() => Check(Exercises.Chapter10.Mask));

    [Test]
    public void Your_boxes_that_are_kept_are_those_of_nested_loops() => Learner.Try(() => Check(Exercises.Chapter10.Keep));

    public static void Check(Func<Box, Box, float> overlap)
    {
        var verdict = new Verdict(10, "the IoU of two boxes");
        (Box A, Box B)[] pairs =
        [
            (new(0, 0, 4, 2), new(0, 0, 2, 2)), (new(0, 0, 6, 3), new(2, 1, 5, 7)), (new(0, 0, 2, 2), new(5, 1, 8, 2)),
            (new(0, 0, 3, 3), new(7, 8, 9, 9)), (new(-2, -3, 4, 5), new(-1, -2, 3, 4)), (new(1, 1, 1, 1), new(1, 1, 1, 1)),
        ];
        var axes = new Axes(("pair", pairs.Length));
        float[] All(Func<Box, Box, float> of) => [.. pairs.Select(p => of(p.A, p.B))];
        var got = All(overlap);
        if (got.All(v => v == 0))
            throw verdict.Fault($"Every IoU is 0. {verdict.Hole}");
        verdict.Equal(
            "IoU", axes, All(IoU), got, 1e-5f,
            new Suspect(
                "The shared area is divided by the sum of both areas, in which it is counted twice.", All((a, b) => Shared(a, b) / MathF.Max(1, a.Area + b.Area))),
            new Suspect("The shared area is divided by the smaller area.", All((a, b) => Shared(a, b) / MathF.Max(1, MathF.Min(a.Area, b.Area)))),
            new Suspect(
                "Boxes that are apart have a negative width and a negative height, and their product is positive: take at least 0 of each.",
                All((a, b) =>
                {
                    var shared = Width(a, b) * Height(a, b);
                    return shared == 0 ? 0 : shared / (a.Area + b.Area - shared);
                })),
            new Suspect(
                "A side is taken to be x2 − x1 + 1. Edges are numbers here, not pixels: a side is x2 − x1.",
                All((a, b) =>
                {
                    var shared = MathF.Max(0, Width(a, b) + 1) * MathF.Max(0, Height(a, b) + 1);
                    return shared / ((a.Width + 1) * (a.Height + 1) + (b.Width + 1) * (b.Height + 1) - shared);
                })));
    }

    public static void Check(Action<Index1D, GlobalView<Box>, GlobalView<int>, NmsSize, GlobalView<uint>> kernel)
    {
        var size = new NmsSize(Count, Words, Threshold);
        var (all, names) = (Boxes(), Labels());
        using var boxes = new GlobalArray<Box>("boxes", all);
        using var labels = new GlobalArray<int>("labels", names);
        using var mask = new GlobalArray<uint>("mask", new uint[Count * Words]);
        CourseDevice.Run(kernel, Count * Words, boxes.View, labels.View, size, mask.View);
        var verdict = new Verdict(10, $"the mask of {Count} boxes");
        verdict.Memory(mask, new Axes(("i", Count), ("word", Words)), boxes, labels);
        var axes = new Axes(("i", Count), ("j", 32 * Words));
        var words = mask.ToArray();
        int[] Bits(Func<int, int, bool> of)
            => [.. Enumerable.Range(0, axes.Length).Select(at => of(axes.At(at, 0), axes.At(at, 1)) ? 1 : 0)];
        bool Same(int i, int j) => j < Count && names[i] == names[j];
        bool Over(int i, int j) => j < Count && IoU(all[i], all[j]) > Threshold;
        if (words.All(word => word == 0))
            throw verdict.Fault($"No bit is set. {verdict.Hole} The check needs your IntersectionOverUnion, too.");
        verdict.Equal(
            "bit", axes, Bits((i, j) => j > i && Same(i, j) && Over(i, j)), [.. Enumerable.Range(0, axes.Length).Select(Bit)],
            ("Boxes of other labels are suppressed, too.", Bits((i, j) => j > i && Over(i, j))),
            ("A box is also compared with itself: only boxes after i count.", Bits((i, j) => j >= i && Same(i, j) && Over(i, j))),
            ("Boxes are also compared with themselves and with better ones: only boxes after i count.", Bits((i, j) => Same(i, j) && Over(i, j))),
            ("A box whose IoU is exactly the threshold is suppressed; it must be over it.", Bits((i, j) => j > i && Same(i, j) && IoU(all[i], all[j]) >= Threshold)),
            ("Bit 0 of a word is its first box, 32 · v: the bits are one too far.", Bits((i, j) => j % 32 > 0 && j - 1 > i && Same(i, j - 1) && Over(i, j - 1))),
            ("The bits are in reverse: bit 0, the lowest, is the word's first box.", Bits((i, j) =>
            {
                var mirrored = j / 32 * 32 + 31 - j % 32;
                return mirrored > i && Same(i, mirrored) && Over(i, mirrored);
            })));

        int Bit(int at) => (int)(words[axes.At(at, 0) * Words + axes.At(at, 1) / 32] >> (axes.At(at, 1) % 32) & 1);
    }

    public static void Check(Action<Index1D, GlobalView<uint>, NmsSize, GlobalView<int>> kernel)
    {
        var size = new NmsSize(Count, Words, Threshold);
        var (all, names) = (Boxes(), Labels());
        var words = new uint[Count * Words];
        for (var i = 0; i < Count; i++)
        {
            for (var j = i + 1; j < Count; j++)
                words[i * Words + j / 32] |= names[i] == names[j] && IoU(all[i], all[j]) > Threshold ? 1u << (j % 32) : 0;
        }
        using var mask = new GlobalArray<uint>("mask", words);
        using var kept = new GlobalArray<int>("kept", new int[Count]);
        CourseDevice.Run(kernel, 1, mask.View, size, kept.View);
        var verdict = new Verdict(10, $"which of {Count} boxes are kept");
        verdict.Memory(kept, new Axes(("box", Count)), mask);
        var flat = all.SelectMany(b => (float[])[b.X1, b.Y1, b.X2, b.Y2]).ToArray();
        var right = NmsReference.Run(flat, [.. Enumerable.Range(0, Count).Select(i => (float)-i)], Threshold, names).ToHashSet();
        bool Set(int i, int j) => (words[i * Words + j / 32] >> (j % 32) & 1) != 0;
        verdict.Equal(
            "kept", new Axes(("box", Count)), [.. Enumerable.Range(0, Count).Select(i => right.Contains(i) ? 1 : 0)], kept.ToArray(),
            ("Boxes that are suppressed themselves suppress others: only a box that is kept does.",
                [.. Enumerable.Range(0, Count).Select(j => Enumerable.Range(0, j).Any(i => Set(i, j)) ? 0 : 1)]),
            ("1 and 0 have changed places: 1 is a box that is kept.", [.. Enumerable.Range(0, Count).Select(i => right.Contains(i) ? 0 : 1)]),
            ("Every box is kept: read bit j of box i's row, for the boxes i before j.", [.. Enumerable.Repeat(1, Count)]));
    }

    private static float IoU(Box a, Box b)
    {
        var shared = Shared(a, b);
        return shared == 0 ? 0 : shared / (a.Area + b.Area - shared);
    }

    private static float Shared(Box a, Box b) => MathF.Max(0, Width(a, b)) * MathF.Max(0, Height(a, b));

    private static float Width(Box a, Box b) => MathF.Min(a.X2, b.X2) - MathF.Max(a.X1, b.X1);

    private static float Height(Box a, Box b) => MathF.Min(a.Y2, b.Y2) - MathF.Max(a.Y1, b.Y1);

    // Rows of boxes, each of which overlaps its neighbours by more than half and the boxes after those by less: a box is often suppressed
    // by one that is suppressed itself. A pair has an IoU of exactly ½.
    private static Box[] Boxes()
    {
        var random = Values.Random(Count * 4, 7);
        var boxes = Enumerable.Range(0, Count).Select(i =>
        {
            var (x, y) = (i % 5 * 90 + i / 15 * 7 + random[4 * i], i % 3 * 50 + random[4 * i + 1]);
            return new Box(x, y, x + 24 + random[4 * i + 2], y + 17 + random[4 * i + 3]);
        }).ToArray();
        (boxes[10], boxes[40]) = (new Box(900, 300, 904, 302), new Box(900, 300, 902, 302));
        return boxes;
    }

    // Ten rows of one label, and five whose boxes take turns.
    private static int[] Labels() => [.. Enumerable.Range(0, Count).Select(i => i is 10 or 40 ? 9 : i % 15 < 10 ? 0 : i % 2)];
}
