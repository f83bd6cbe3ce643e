namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>
/// Ellipses, rings and arcs in boxes of whole px, drawn as runs of pixels. Coordinates are in half px from the box's centre, so that
/// centres between pixels need no rounding: a box of a + 1 × b + 1 px spans −a to a and −b to b, in steps of 2.
/// A quarter of the outline is walked from (a, 0 or 1) to (0 or 1, b). The next point is the neighbour in y, in x, or on the diagonal
/// with the least |a²y² + b²x² − a²b²| (Bresenham). Matches Pillow 9.4's ImageDraw to the pixel.
/// </summary>
internal static class EllipseSpans
{
    /// <summary>Fills the ellipse in a box; all four bounds are inclusive.</summary>
    public static void Fill(SpanRaster raster, int left, int top, int right, int bottom)
    {
        var (a, b) = (right - left, bottom - top);
        if (a >= 0 && b >= 0)
            Draw(raster, left, top, a, b, a + b, clip: null);
    }

    /// <summary>Draws the part of an ellipse's outline between two angles.</summary>
    /// <param name="raster">The raster to draw on.</param>
    /// <param name="left">First column of the ellipse's box.</param>
    /// <param name="top">First row.</param>
    /// <param name="right">Last column.</param>
    /// <param name="bottom">Last row.</param>
    /// <param name="start">Degrees from the x axis, clockwise.</param>
    /// <param name="end">Degrees, more than start.</param>
    /// <param name="width">The width of the line, measured inwards, in px.</param>
    public static void DrawArc(
        SpanRaster raster, int left, int top, int right, int bottom, float start, float end, int width)
    {
        var (a, b) = (right - left, bottom - top);
        if (a < 0 || b < 0)
            return;
        (start, end) = ArcClip.Normalised(start, end);
        if (end == start + 360)
            Draw(raster, left, top, a, b, width, clip: null);
        else if (start != end)
            Draw(raster, left, top, a, b, width, ArcClip.Between(a, b, start, end));
    }

    private static void Draw(SpanRaster raster, int left, int top, int a, int b, int width, ArcClip? clip)
    {
        if (width < 1)
            return;
        var outer = Walk(a, b);
        var hole = 2 * (width - 1);
        var inner = a >= hole && b >= hole ? Walk(a - hole, b - hole) : [];
        for (var row = 0; row < outer.Count; row++)
        {
            // The line reaches inwards to the hole's outline, or to the middle where there is no hole.
            var y = 2 * row + b % 2;
            var (near, far) = (row < inner.Count ? inner[row].Least : a % 2, outer[row].Most);
            foreach (var side in y == 0 ? [0] : new[] { -y, y })
            {
                Draw(raster, left, top, a, b, -far, -near, side, clip);
                if (far > 0)
                    Draw(raster, left, top, a, b, near == 0 ? 2 : near, far, side, clip);
            }
        }
    }

    private static void Draw(SpanRaster raster, int left, int top, int a, int b, int x0, int x1, int y, ArcClip? clip)
    {
        if (clip is null)
        {
            raster.Span(left + (x0 + a) / 2, left + (x1 + a) / 2, top + (y + b) / 2);
            return;
        }
        foreach (var (from, to) in clip.Clip(x0, x1, y))
            raster.Span(left + (from + a) / 2, left + (to + a) / 2, top + (y + b) / 2);
    }

    /// <summary>The outline of a quarter: the smallest and the largest x of each row, from the axis outwards.</summary>
    private static List<(int Least, int Most)> Walk(int a, int b)
    {
        var (a2, b2) = ((long)a * a, (long)b * b);
        long Off(int x, int y) => Math.Abs(a2 * y * y + b2 * x * x - a2 * b2);

        var rows = new List<(int Least, int Most)>();
        var (x, y) = (a, b % 2);
        var most = x;
        while (true)
        {
            if (x == a % 2 && y == b)
            {
                rows.Add((x, most));
                return rows;
            }
            var (nextX, nextY) = (x, y + 2);
            if (x > 1)
            {
                if (Off(x - 2, y + 2) < Off(nextX, nextY))
                    nextX = x - 2;
                if (Off(x - 2, y) < Off(nextX, nextY))
                    (nextX, nextY) = (x - 2, y);
            }
            if (nextY != y)
            {
                rows.Add((x, most));
                most = nextX;
            }
            (x, y) = (nextX, nextY);
        }
    }
}
