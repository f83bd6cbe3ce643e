using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>The coverage of each pixel by a shape, 0…255, drawn at twice the size and averaged.</summary>
internal sealed class ShapeMask
{
    // A px is well covered above this.
    private const byte Threshold = 96;

    private readonly int w;
    private readonly int h;
    private readonly byte[] doubled;
    private readonly SpanRaster pen;

    /// <summary>Creates an empty mask for pictures of w × h px.</summary>
    public ShapeMask(int w, int h)
    {
        (this.w, this.h) = (w, h);
        doubled = new byte[4 * w * h];
        pen = new SpanRaster(2 * w, 2 * h, 1, doubled);
        Cover = new byte[w * h];
    }

    /// <summary>The coverage, [H,W]. Rows outside <see cref="Rows"/> are left over from earlier shapes.</summary>
    public byte[] Cover { get; }

    /// <summary>The rows that the shape may touch, end excluded.</summary>
    public (int First, int End) Rows { get; private set; }

    /// <summary>Draws a shape, replacing the previous one.</summary>
    /// <param name="kind">Its index in <see cref="SyntheticShapes.Classes"/>.</param>
    /// <param name="cx">The x of its centre, in px.</param>
    /// <param name="cy">The y of its centre, in px.</param>
    /// <param name="r">Its radius, in px.</param>
    /// <param name="angle">Its rotation, in radians.</param>
    /// <returns>The box around its well covered px, right and bottom exclusive; null if no px is well covered.</returns>
    public (int X1, int Y1, int X2, int Y2)? Draw(int kind, double cx, double cy, double r, double angle)
    {
        pen.Clear();
        pen.SetInk(255);
        switch (kind)
        {
            case 0:
                Disc(cx, cy, r);
                break;
            case 4:
                Disc(cx, cy, r);
                pen.SetInk(0);
                Disc(cx, cy, 0.55 * r);
                break;
            default:
                PolygonFill.Draw(pen, Array.ConvertAll(
                    ShapeOutline.Corners(kind, cx, cy, r, angle), corner => ((int)(corner.X * 2), (int)(corner.Y * 2))));
                break;
        }
        return Average();
    }

    /// <summary>The well covered px of the shape that was drawn last.</summary>
    /// <param name="x1">The left edge of the box around them, in px, as <see cref="Draw"/> returned it.</param>
    /// <param name="y1">The top edge.</param>
    /// <param name="x2">The right edge, exclusive.</param>
    /// <param name="y2">The bottom edge, exclusive.</param>
    public ObjectMask WellCovered(int x1, int y1, int x2, int y2)
    {
        var mask = new MaskRunBuilder(w, h);
        for (var x = x1; x < x2; x++)
        {
            for (var y = y1; y < y2; y++)
            {
                if (Cover[y * w + x] > Threshold)
                    mask.Add(x * h + y, 1);
            }
        }
        return mask.Build();
    }

    private void Disc(double cx, double cy, double r) => EllipseSpans.Fill(
        pen, (int)((cx - r) * 2), (int)((cy - r) * 2), (int)((cx + r) * 2), (int)((cy + r) * 2));

    private (int X1, int Y1, int X2, int Y2)? Average()
    {
        Rows = pen.LastRow < 0 ? (0, 0) : (pen.FirstRow / 2, pen.LastRow / 2 + 1);
        var (x1, y1, x2, y2) = (w, h, 0, 0);
        for (var y = Rows.First; y < Rows.End; y++)
        {
            var (upper, lower) = (4 * y * w, (4 * y + 2) * w);
            for (var x = 0; x < w; x++)
            {
                // Averaging rounds to 8 bits in each direction, with halves up.
                var cover = (doubled[upper + 2 * x] + doubled[upper + 2 * x + 1] + 1) / 2
                    + (doubled[lower + 2 * x] + doubled[lower + 2 * x + 1] + 1) / 2 + 1;
                Cover[y * w + x] = (byte)(cover / 2);
                if (cover / 2 > Threshold)
                    (x1, y1, x2, y2) = (Math.Min(x1, x), Math.Min(y1, y), Math.Max(x2, x + 1), Math.Max(y2, y + 1));
            }
        }
        return x2 > 0 ? (x1, y1, x2, y2) : null;
    }
}
