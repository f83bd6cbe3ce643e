using System.Numerics;

namespace Fpn.IlGpu.Imaging;

/// <summary>A line through points, drawn with a round, anti-aliased pen.</summary>
internal static class PolyLine
{
    /// <summary>Draws the line.</summary>
    /// <param name="canvas">The picture to draw on.</param>
    /// <param name="points">The points, in px; pixel centres are at whole numbers.</param>
    /// <param name="width">The width of the line, in px.</param>
    /// <param name="colour">The colour of the line.</param>
    public static void Draw(Canvas canvas, IReadOnlyList<Vector2> points, float width, Rgb colour)
    {
        // Where segments meet, a pixel gets the larger of their coverages. Blending it twice would make the joints stand out.
        var cover = new Dictionary<(int X, int Y), float>();
        for (var i = 1; i < points.Count; i++)
            Cover(canvas, points[i - 1], points[i], width / 2, cover);
        foreach (((var x, var y), var opacity) in cover)
            canvas.Blend(x, y, colour, opacity);
    }

    private static void Cover(Canvas canvas, Vector2 from, Vector2 to, float radius, Dictionary<(int X, int Y), float> cover)
    {
        var along = to - from;
        var length = along.LengthSquared();
        var low = Vector2.Min(from, to) - new Vector2(radius + 1);
        var high = Vector2.Max(from, to) + new Vector2(radius + 1);
        for (var y = Math.Max(0, (int)low.Y); y <= high.Y && y < canvas.Height; y++)
        {
            for (var x = Math.Max(0, (int)low.X); x <= high.X && x < canvas.Width; x++)
            {
                var point = new Vector2(x, y);
                var t = length > 0 ? Math.Clamp(Vector2.Dot(point - from, along) / length, 0, 1) : 0;
                var opacity = Math.Min(1, radius + 0.5f - Vector2.Distance(point, from + (along * t)));
                if (opacity > cover.GetValueOrDefault((x, y)))
                    cover[(x, y)] = opacity;
            }
        }
    }
}
