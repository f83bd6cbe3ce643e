using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using Fpn.IlGpu.Tensors;
using Solution = Fpn.IlGpu.Course.Solutions.Chapter08;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 8.</summary>
internal static class WrongChapter08
{
    private const float Largest = 4.135166556742356f;

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(8, "anchors not rounded", "not rounded to whole px", () => Chapter08Check.Check((i, grid) => Anchor(i, grid, v => v))),
        new(8, "anchors cut off", "towards 0", () => Chapter08Check.Check((i, grid) => Anchor(i, grid, v => (int)v))),
        new(8, "floor for round", "rounded down", () => Chapter08Check.Check((i, grid) => Anchor(i, grid, MathF.Floor))),
        new(8, "halves away from 0", "to even", () => Chapter08Check.Check((i, grid) => Anchor(i, grid, v => MathF.Round(v, MidpointRounding.AwayFromZero)))),
        new(8, "wide for high", "changed places", () => Chapter08Check.Check((i, grid) => Anchor(i - i % 3 + 2 - i % 3, grid, MathF.Round))),
        new(8, "half a stride", "half a stride", () => Chapter08Check.Check((i, grid) => Moved(Solution.Anchor(i, grid), grid.StridePx / 2f))),
        new(8, "ratio without root", "same area", () => Chapter08Check.Check((i, grid) => Unrooted(i, grid))),
        new(8, "order a, y, x", "change fastest", () => Chapter08Check.Check((i, grid) => Solution.Anchor(i % (grid.H * grid.W) * 3 + i / (grid.H * grid.W), grid))),
        new(8, "decode without exp", "exp(dw)", () => Chapter08Check.Check((Box b, Deltas d) => Around(
            b.X1 + b.Width * (0.5f + d.X), b.Y1 + b.Height * (0.5f + d.Y), b.Width * MathF.Min(d.W, Largest), b.Height * d.H))),
        new(8, "decode from the corner", "move the centre", () => Chapter08Check.Check((Box b, Deltas d) => Around(
            b.X1 + b.Width * d.X, b.Y1 + b.Height * d.Y, b.Width * MathF.Exp(MathF.Min(d.W, Largest)), b.Height * MathF.Exp(d.H)))),
        new(8, "decode in px", "times the width", () => Chapter08Check.Check((Box b, Deltas d) => Around(
            b.X1 + b.Width / 2 + d.X, b.Y1 + b.Height / 2 + d.Y, b.Width * MathF.Exp(MathF.Min(d.W, Largest)), b.Height * MathF.Exp(d.H)))),
        new(8, "decode without clamp", "limits a side's growth", () => Chapter08Check.Check((Box b, Deltas d) => Around(
            b.X1 + b.Width * (0.5f + d.X), b.Y1 + b.Height * (0.5f + d.Y), b.Width * MathF.Exp(d.W), b.Height * MathF.Exp(d.H)))),
        new(8, "decode transposed", "changed places", () => Chapter08Check.Check((Box b, Deltas d) => Solution.Decode(b, new Deltas(d.Y, d.X, d.H, d.W)))),
        new(8, "encode without log", "logarithms", () => Chapter08Check.Check((Box a, Box b) => Solution.Encode(a, b) with { W = b.Width / a.Width, H = b.Height / a.Height })),
        new(8, "encode corners", "those of the centres", () => Chapter08Check.Check((Box a, Box b) => Solution.Encode(a, b) with { X = (b.X1 - a.X1) / a.Width, Y = (b.Y1 - a.Y1) / a.Height })),
        new(8, "encode backwards", "changed places", () => Chapter08Check.Check((Box a, Box b) => Solution.Encode(b, a))),
    ];

    private static Box Anchor(int i, AnchorGrid grid, Func<float, float> round)
    {
        var (x, y) = (i / 3 % grid.W * grid.StridePx, i / 3 / grid.W * grid.StridePx);
        var root = MathF.Sqrt(i % 3 == 0 ? 0.5f : i % 3);
        var (w, h) = (grid.SizePx / root / 2, grid.SizePx * root / 2);
        return new Box(x + round(-w), y + round(-h), x + round(w), y + round(h));
    }

    private static Box Unrooted(int i, AnchorGrid grid)
    {
        var (x, y) = (i / 3 % grid.W * grid.StridePx, i / 3 / grid.W * grid.StridePx);
        var ratio = i % 3 == 0 ? 0.5f : i % 3;
        var (w, h) = (MathF.Round(grid.SizePx / ratio / 2), MathF.Round(grid.SizePx * ratio / 2));
        return new Box(x - w, y - h, x + w, y + h);
    }

    private static Box Moved(Box box, float by) => new(box.X1 + by, box.Y1 + by, box.X2 + by, box.Y2 + by);

    private static Box Around(float x, float y, float w, float h) => new(x - w / 2, y - h / 2, x + w / 2, y + h / 2);
}
