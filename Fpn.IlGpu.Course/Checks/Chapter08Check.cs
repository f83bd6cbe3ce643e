using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercises of chapter 8.</summary>
public sealed class Chapter08Check
{
    private static readonly float[] Ratios = [0.5f, 1, 2];
    private static readonly float[] AllOnes = [1, 1, 1, 1];

    [Test]
    public void Your_anchors_lie_where_they_should() => Learner.Try(() => Check(Exercises.Chapter08.Anchor));

    [Test]
    public void Your_deltas_move_boxes() => Learner.Try(() => Check(Exercises.Chapter08.Decode));

    [Test]
    public void Your_deltas_are_those_that_move_a_box_to_another() => Learner.Try(() => Check(Exercises.Chapter08.Encode));

    [Test]
    public void Your_kernel_decodes_every_anchor() => Learner.Try(() => Check(Exercises.Chapter08.Kernel));

    public static void Check(Func<int, AnchorGrid, Box> anchor)
    {
        foreach (var grid in (AnchorGrid[])[new(3, 5, 4, 32), new(2, 3, 16, 45)])
            CheckAnchors(anchor, grid);
    }

    public static void Check(Func<Box, Deltas, Box> decode)
    {
        var verdict = new Verdict(8, "decoding");
        var (boxes, deltas) = (Boxes(12, 1), Values.Random(48, 2));
        // One side that the clamp must stop.
        deltas[6] = 7;
        var axes = new Axes(("box", 12), ("corner", 4));
        var got = Flat(Enumerable.Range(0, 12).Select(i => decode(BoxAt(boxes, i), new Deltas(deltas[4 * i], deltas[4 * i + 1], deltas[4 * i + 2], deltas[4 * i + 3]))));
        if (got.All(v => v == 0))
            throw verdict.Fault($"Every decoded box is empty. {verdict.Hole}");
        float[] Decoded(float[] d) => BoxDecodeReference.Run(d, boxes, AllOnes, 1);
        float[] Other(Func<Box, float[], Box> of) => Flat(Enumerable.Range(0, 12).Select(i => of(BoxAt(boxes, i), deltas[(4 * i)..(4 * i + 4)])));
        verdict.Equal(
            "decoded", axes, Decoded(deltas), got, 1e-4f,
            new Suspect(
                "dw and dh are factors as they are: they are logarithms of factors, so the side is multiplied by exp(dw).",
                Other((b, d) => Around(b.X1 + b.Width * (0.5f + d[0]), b.Y1 + b.Height * (0.5f + d[1]), b.Width * MathF.Min(d[2], BoxDecodeReference.Clamp), b.Height * d[3]))),
            new Suspect(
                "The deltas move the corner; they should move the centre, which is half a side further.",
                Other((b, d) => Around(b.X1 + b.Width * d[0], b.Y1 + b.Height * d[1], b.Width * MathF.Exp(MathF.Min(d[2], BoxDecodeReference.Clamp)), b.Height * MathF.Exp(d[3])))),
            new Suspect(
                "The centre moves by dx px; it should move by dx times the width.",
                Other((b, d) => Around(b.X1 + b.Width / 2 + d[0], b.Y1 + b.Height / 2 + d[1], b.Width * MathF.Exp(MathF.Min(d[2], BoxDecodeReference.Clamp)), b.Height * MathF.Exp(d[3])))),
            new Suspect(
                "Nothing limits a side's growth: log(1000 / 16) is the largest logarithm, or untrained deltas overflow exp.",
                Other((b, d) => Around(b.X1 + b.Width * (0.5f + d[0]), b.Y1 + b.Height * (0.5f + d[1]), b.Width * MathF.Exp(d[2]), b.Height * MathF.Exp(d[3])))),
            new Suspect("x and y, or w and h, have changed places.", Decoded([.. deltas.Select((_, i) => deltas[i ^ 1])])));
    }

    public static void Check(Func<Box, Box, Deltas> encode)
    {
        var verdict = new Verdict(8, "encoding");
        var (from, to) = (Boxes(12, 3), Boxes(12, 4));
        var axes = new Axes(("box", 12), ("delta", 4));
        float[] Encoded(Func<Box, Box, Deltas> of) => [.. Enumerable.Range(0, 12).Select(i => of(BoxAt(from, i), BoxAt(to, i)))
            .SelectMany(d => (float[])[d.X, d.Y, d.W, d.H])];
        var got = Encoded(encode);
        if (got.All(v => v == 0))
            throw verdict.Fault($"Every delta is 0. {verdict.Hole}");
        verdict.Equal(
            "deltas", axes, Encoded(Right), got, 1e-4f,
            new Suspect(
                "dw and dh are factors: they should be the logarithms of factors.",
                Encoded((a, b) => Right(a, b) with { W = b.Width / a.Width, H = b.Height / a.Height })),
            new Suspect(
                "The differences are divided by the sides of the other box: the box that moves is the measure.",
                Encoded((a, b) => Right(a, b) with { X = Right(a, b).X * a.Width / b.Width, Y = Right(a, b).Y * a.Height / b.Height })),
            new Suspect(
                "The differences are those of the corners: they should be those of the centres.",
                Encoded((a, b) => Right(a, b) with { X = (b.X1 - a.X1) / a.Width, Y = (b.Y1 - a.Y1) / a.Height })),
            new Suspect("The differences are in px: divide them by the sides.", Encoded((a, b) => Right(a, b) with { X = Right(a, b).X * a.Width, Y = Right(a, b).Y * a.Height })),
            new Suspect("The two boxes have changed places.", Encoded((a, b) => Right(b, a))));

        static Deltas Right(Box a, Box b) => new(
            (b.X1 + b.X2 - a.X1 - a.X2) / 2 / a.Width, (b.Y1 + b.Y2 - a.Y1 - a.Y2) / 2 / a.Height,
            MathF.Log(b.Width / a.Width), MathF.Log(b.Height / a.Height));
    }

    public static void Check(Action<Index1D, GlobalView<float>, AnchorGrid, GlobalView<Box>> kernel)
    {
        var grid = new AnchorGrid(3, 4, 8, 32);
        var d = Values.Random(grid.Anchors * 4, 5);
        using var deltas = new GlobalArray<float>("deltas", d);
        using var boxes = new GlobalArray<Box>("boxes", new Box[grid.Anchors]);
        CourseDevice.Run(kernel, grid.Anchors, deltas.View, grid, boxes.View);
        var verdict = new Verdict(8, "a level of 3 × 4 positions");
        verdict.Memory(boxes, new Axes(("y", grid.H), ("x", grid.W), ("a", 3)), deltas);
        var got = Flat(boxes.ToArray());
        if (got.All(v => v == 0))
            throw verdict.Fault($"Every box is empty. {verdict.Hole}");
        verdict.Equal(
            "boxes", new Axes(("y", grid.H), ("x", grid.W), ("a", 3), ("corner", 4)),
            BoxDecodeReference.Run(d, Anchors(grid, Ratios, AnchorsReference.Cell([grid.SizePx], Ratios)), AllOnes, 1), got, 1e-4f);
    }

    private static void CheckAnchors(Func<int, AnchorGrid, Box> anchor, AnchorGrid grid)
    {
        var verdict = new Verdict(8, $"anchors of {grid.SizePx} px, {grid.StridePx} px apart");
        var axes = new Axes(("y", grid.H), ("x", grid.W), ("a", 3), ("corner", 4));
        var got = Flat(Enumerable.Range(0, grid.Anchors).Select(i => anchor(i, grid)));
        if (got.All(v => v == 0))
            throw verdict.Fault($"Every anchor is empty. {verdict.Hole}");
        var exact = AnchorsReference.Cell([grid.SizePx], Ratios, round: false);
        var right = Anchors(grid, Ratios, AnchorsReference.Cell([grid.SizePx], Ratios));
        verdict.Equal(
            "anchor", axes, right, got, 1e-5f,
            new Suspect("The corners are not rounded to whole px.", Anchors(grid, Ratios, exact)),
            new Suspect(
                "The corners are cut off, not rounded to the nearest whole px: a conversion to int rounds towards 0.",
                Anchors(grid, Ratios, [.. exact.Select(MathF.Truncate)])),
            new Suspect(
                "The corners are rounded down, not to the nearest whole px.", Anchors(grid, Ratios, [.. exact.Select(MathF.Floor)])),
            new Suspect(
                "Halves are rounded away from 0. They should be rounded to even, as PyTorch does: 22.5 becomes 22.",
                Anchors(grid, Ratios, [.. exact.Select(v => MathF.Round(v, MidpointRounding.AwayFromZero))])),
            new Suspect(
                "Wide and high anchors have changed places: the ratio is h / w, so ratio 0.5 is wide.",
                Anchors(grid, Ratios, AnchorsReference.Cell([grid.SizePx], [2, 1, 0.5f]))),
            new Suspect(
                "The anchors lie half a stride further: they are centred at (x · stride, y · stride), the position's corner.",
                [.. right.Select(v => v + grid.StridePx / 2f)]),
            new Suspect(
                "The sides are s · ratio and s / ratio: with the root of the ratio, all anchors have the same area.",
                Anchors(grid, Ratios, AnchorsReference.Cell([grid.SizePx], [0.25f, 1, 4]))),
            new Suspect(
                "The order is a, y, x: the ratio should change fastest.",
                Values.Of(axes, i =>
                {
                    var index = i / 4;
                    var (a, y, x) = (index / (grid.H * grid.W), index / grid.W % grid.H, index % grid.W);
                    return right[((y * grid.W + x) * 3 + a) * 4 + i % 4];
                })));
    }

    private static float[] Anchors(AnchorGrid grid, float[] ratios, float[] cell)
    {
        var result = new List<float>();
        for (var position = 0; position < grid.H * grid.W; position++)
        {
            for (var i = 0; i < 4 * ratios.Length; i++)
                result.Add(cell[i] + grid.StridePx * (i % 2 == 0 ? position % grid.W : position / grid.W));
        }
        return [.. result];
    }

    // Boxes of different widths and heights.
    private static float[] Boxes(int count, int seed)
    {
        var random = Values.Random(count * 4, seed);
        return [.. Enumerable.Range(0, count).SelectMany(i => (float[])
            [50 * random[4 * i], 40 * random[4 * i + 1], 50 * random[4 * i] + 35 + 20 * random[4 * i + 2], 40 * random[4 * i + 1] + 25 + 20 * random[4 * i + 3]])];
    }

    private static Box BoxAt(float[] boxes, int i) => new(boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]);

    private static Box Around(float x, float y, float w, float h) => new(x - w / 2, y - h / 2, x + w / 2, y + h / 2);

    private static float[] Flat(IEnumerable<Box> boxes) => [.. boxes.SelectMany(b => (float[])[b.X1, b.Y1, b.X2, b.Y2])];
}
