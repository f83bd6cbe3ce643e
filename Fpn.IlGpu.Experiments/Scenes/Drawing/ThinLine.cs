namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>A line of one px width, both ends included (Bresenham): each step along the longer side takes the nearest px along the
/// shorter side; ties advance.</summary>
internal static class ThinLine
{
    /// <summary>Draws the line.</summary>
    public static void Draw(SpanRaster raster, (int X, int Y) from, (int X, int Y) to)
    {
        var (dx, dy) = (Math.Abs(to.X - from.X), Math.Abs(to.Y - from.Y));
        var (stepX, stepY) = (to.X < from.X ? -1 : 1, to.Y < from.Y ? -1 : 1);
        var wide = dx > dy;
        var (longer, shorter) = wide ? (dx, dy) : (dy, dx);
        var (x, y) = from;
        var error = 2 * shorter - longer;
        for (var i = 0; i <= longer; i++)
        {
            raster.Span(x, x, y);
            var aside = error >= 0;
            error += 2 * shorter - (aside ? 2 * longer : 0);
            x += wide || aside ? stepX : 0;
            y += !wide || aside ? stepY : 0;
        }
    }
}
