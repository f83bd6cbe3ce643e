namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>
/// Fills polygons with integer corners row by row, by the even-odd rule. Row y crosses an edge (x0, y0)…(x1, y1) at
/// <code>x = (y − y0) · slope + x0,   slope = (x1 − x0) / (y1 − y0)</code>
/// The sorted crossings are taken in pairs, and the row is filled between the two of a pair; halves round inwards. Rows, float32
/// rounding and the peculiar treatment of corners are those of Pillow 9.4's ImageDraw, so that scenes are the same to the pixel.
/// </summary>
internal static class PolygonFill
{
    /// <summary>Fills a polygon, closing it if necessary.</summary>
    public static void Draw(SpanRaster raster, ReadOnlySpan<(int X, int Y)> corners)
    {
        var edges = new List<Edge>(corners.Length);
        for (var i = 0; i < corners.Length; i++)
        {
            var (from, to) = (corners[i], corners[(i + 1) % corners.Length]);
            // Only the closing edge is dropped if it has no length.
            if (i == corners.Length - 1 && from == to)
                break;
            edges.Add(new Edge(from.X, from.Y, to.X, to.Y));
        }
        Draw(raster, edges);
    }

    /// <summary>Draws a line of at least 2 px width as a rectangle with its corners at whole px.</summary>
    public static void DrawLine(SpanRaster raster, (int X, int Y) from, (int X, int Y) to, int width)
    {
        var (dx, dy) = (to.X - from.X, to.Y - from.Y);
        if (dx == 0 && dy == 0)
        {
            raster.Span(from.X, from.X, from.Y);
            return;
        }
        // One side gets the larger half of an even width.
        var length = Math.Sqrt((double)dx * dx + (double)dy * dy);
        var half = (width - 1) / 2.0;
        var (more, less) = (Math.Floor(half + 0.5) / length, Math.Ceiling(half - 0.5) / length);
        var (lessX, moreX) = (Inwards(less * dy), Inwards(more * dy));
        var (lessY, moreY) = (Inwards(less * dx), Inwards(more * dx));
        Draw(raster, [
            (from.X - lessX, from.Y + moreY), (to.X - lessX, to.Y + moreY),
            (to.X + moreX, to.Y - lessY), (from.X + moreX, from.Y - lessY)]);
    }

    private static void Draw(SpanRaster raster, List<Edge> all)
    {
        var (first, last) = (raster.Height - 1, 0);
        foreach (var edge in all)
        {
            (first, last) = (Math.Min(first, edge.Top), Math.Max(last, edge.Bottom));
            if (edge.Top == edge.Bottom)
                raster.Span(edge.X0, edge.X1, edge.Top);
        }
        (first, last) = (Math.Max(first, 0), Math.Min(last, raster.Height));
        var edges = all.FindAll(edge => edge.Top != edge.Bottom);

        // An edge counts twice on its last row, so that the start of the next edge does not make the count odd.
        var crossings = new float[2 * edges.Count];
        for (var y = first; y <= last; y++)
        {
            var count = 0;
            for (var i = 0; i < edges.Count; i++)
            {
                var edge = edges[i];
                if (y < edge.Top || y > edge.Bottom)
                    continue;
                var x = edge.At(y);
                crossings[count++] = x;
                if (y == edge.Bottom && y < last)
                    crossings[count++] = x;
                else if (edge.Slope != 0 && MathF.Floor(x) == x)
                    JoinCorner(edges, i, y, last, x, crossings);
            }
            crossings.AsSpan(0, count).Sort();
            for (var i = 1; i < count; i += 2)
                raster.Span(Outwards(crossings[i - 1]), Inwards(crossings[i]), y);
        }
    }

    // Where an edge meets an earlier one in a pointed corner, the crossing is moved to where the two edges are on the next row, so that
    // thin corners stay connected. Pillow moves the crossing at the earlier edge's index, which need not be that edge's crossing.
    private static void JoinCorner(List<Edge> edges, int current, int y, int last, float x, float[] crossings)
    {
        var edge = edges[current];
        for (var k = 0; k < current; k++)
        {
            var other = edges[k];
            if (edge.Slope > 0 ? other.Slope <= 0 : other.Slope >= 0)
                continue;
            if (!((y == edge.Top && y == other.Top) || (y == edge.Bottom && y == other.Bottom)) || other.At(y) != x)
                continue;
            var beside = y + (y == last ? -1 : 1);
            var (least, most) = (Math.Min(edge.At(beside), other.At(beside)), Math.Max(edge.At(beside), other.At(beside)));
            crossings[k] = (y == edge.Bottom, edge.Slope > 0) switch
            {
                (true, true) => (float)((double)most + 1),
                (true, false) => (float)((double)least - 1),
                (false, true) => least,
                (false, false) => (float)((double)most + 1),
            };
            return;
        }
    }

    // Round to the nearest px, with halves away from zero (Outwards) or towards it (Inwards). Like Pillow, use float64 for negative x.
    private static int Outwards(float x) => x >= 0 ? (int)MathF.Floor(x + 0.5f) : -(int)Math.Floor(-(double)x + 0.5);

    private static int Inwards(float x) => x >= 0 ? (int)MathF.Ceiling(x - 0.5f) : Inwards((double)x);

    private static int Inwards(double x) => x >= 0 ? (int)Math.Ceiling(x - 0.5) : -(int)Math.Ceiling(-x - 0.5);

    private readonly record struct Edge(int X0, int Y0, int X1, int Y1)
    {
        public int Top => Math.Min(Y0, Y1);

        public int Bottom => Math.Max(Y0, Y1);

        public float Slope { get; } = Y0 == Y1 ? 0 : (float)(X1 - X0) / (Y1 - Y0);

        public float At(int y) => (y - Y0) * Slope + X0;
    }
}
