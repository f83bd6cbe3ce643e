using System.Numerics;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// The font of labels, drawn with a round pen along lines and curves. It is smooth at any size, and sharp at size 1, where
/// the design's grid is the pixel grid. It covers printable ASCII.
/// </summary>
internal static class StrokeFont
{
    /// <summary>From the top of capitals to the bottom of descenders, in units of the design.</summary>
    public const int Height = 11;

    private const int SpaceBetween = 2;
    private const float PenRadius = 0.7f;
    private const int CurveSteps = 6;

    // From ' ' to '~', and last the box for all other characters. Each glyph begins with its width; its strokes are
    // separated by spaces. A point is x (digit) and y (letter, 'a' at the top, 'i' on the baseline). A capital letter marks
    // a control point of a quadratic Bézier curve, which the line does not reach.
    private static readonly string[] Design =
    [
        "3", "0 0a0f 0i", "2 0a0c 2a2c", "6 2a1i 5a4i 0d6d 0f6f", "4 4c4B2b0B0c0E2e4E4g4H2h0H0g 2a2i",
        "6 6a0i 1a0A0b0C1c2C2b2A1a 5g4G4h4I5i6I6h6G5g", "6 6i1c1A3a4A4b4C2d0E0g0I2i5I6e", "0 0a0c", "2 2a0C0e0G2i",
        "2 0a2C2e2G0i", "4 2a2e 0b4d 4b0d", "4 2d2h 0f4f", "1 1i0k", "3 0f3f", "0 0i", "4 4a0i",
        "5 2a0A0c0g0I2i3i5I5g5c5A3a2a", "5 1c3a3i 1i5i", "5 0c0A2a3a5A5c5D4e0i5i",
        "5 0c0A2a3a5A5c5E3e2e 3e5E5g5I3i2i0I0g", "5 4i4a0f5f", "5 5a0a0d3d5D5f5g5I3i2i0I0g",
        "5 5c5A3a2a0A0c0g0I2i3i5I5g5f5D3d2d0D0f", "5 0a5a2i", "5 2e0E0c0A2a3a5A5c5E3e2e0E0g0I2i3i5I5g5E3e",
        "5 0g0I2i3i5I5g5c5A3a2a0A0c0d0F2f3f5F5d", "0 0d 0i", "1 1d 1i0k", "4 4c0f4i", "4 0e4e 0g4g", "4 0c4f0i",
        "4 0c0A2a4A4c4D2f 2i", "7 5f5D4d2D2f2H4h5H5f 5d5g5H6h7H7e7A4a0A0e0I4i6i",
        "6 0i3a6i 1f5f", "5 0i0a3a5A5c5E3e0e 3e5E5g5I3i0i", "6 6c6A3a0A0e0I3i6I6g", "6 0a0i3i6I6e6A3a0a", "5 5a0a0i5i 0e4e",
        "5 5a0a0i 0e4e", "6 6c6A3a0A0e0I3i6I6e4e", "6 0a0i 6a6i 0e6e", "2 0a2a 1a1i 0i2i", "4 4a4f4I2i0I0g",
        "5 0a0i 5a0f 2d5i", "5 0a0i5i", "6 0i0a3e6a6i", "6 0i0a6i6a", "6 3a0A0e0I3i6I6e6A3a", "5 0i0a3a5A5c5E3e0e",
        "6 3a0A0e0I3i6I6e6A3a 4g6i", "5 0i0a3a5A5c5E3e0e 2e5i", "5 5c5A3a2a0A0c0E2e3e5E5g5I3i2i0I0g", "6 0a6a 3a3i",
        "6 0a0f0I3i6I6f6a", "6 0a3i6a", "8 0a2i4b6i8a", "6 0a6i 6a0i", "6 0a3e6a 3e3i", "6 0a6a0i6i",
        "2 2a0a0i2i", "4 0a4i", "2 0a2a2i0i", "4 0c2a4c", "5 0j5j", "1 0a1b",
        "4 0d0C2c4C4e4i 4f2f0F0g0I2i4I4g", "4 0a0i 0f0C2c4C4f4I2i0I0f", "4 4d4C2c0C0f0I2i4I4h", "4 4a4i 4f4C2c0C0f0I2i4I4f",
        "4 0f4f4C2c0C0f0I2i4I4h", "3 3a2a1A1c1i 0c3c", "4 4f4C2c0C0f0I2i4I4f 4c4j4L2l0L0k", "4 0a0i 0f0C2c4C4f4i", "0 0c0i 0a",
        "2 2c2j2L1l0l 2a", "4 0a0i 4c0g 1f4i", "1 0a0g0I1i", "6 0c0i 0e0C1c2c3C3e3i 3e3C4c5c6C6e6i", "4 0c0i 0f0C2c4C4f4i",
        "4 2c0C0f0I2i4I4f4C2c", "4 0c0l 0f0C2c4C4f4I2i0I0f", "4 4c4l 4f4C2c0C0f0I2i4I4f", "3 0c0i 0f0C2c3c",
        "4 4d4C3c1c0C0d0F1f3f4F4g4I3i1i0I0h", "3 1a1g1I2i3i 0c3c", "4 0c0f0I2i4I4f 4c4i", "4 0c2i4c", "6 0c1i3d5i6c",
        "4 0c4i 4c0i", "4 0c2i 4c1l0l", "4 0c4c0i4i",
        "3 3a1A1c1E0e1E1g1I3i", "0 0a0k", "3 0a2A2c2E3e2E2g2I0i", "5 0f1D4G5e",
        "5 0a5a5i0i0a",
    ];

    private static readonly Glyph[] Glyphs = Array.ConvertAll(Design, Parse);

    /// <summary>Width of a text in px, when a unit of the design is <paramref name="size"/> px.</summary>
    public static float Measure(ReadOnlySpan<char> text, float size)
    {
        var units = 0;
        foreach (var c in text)
            units += Find(c).Width + SpaceBetween;
        return Math.Max(0, units - SpaceBetween) * size;
    }

    /// <summary>Draws a text, with the design's upper left corner at the centre of pixel (x, y).</summary>
    public static void Draw(Canvas canvas, ReadOnlySpan<char> text, float x, int y, float size, Rgb colour)
    {
        foreach (var c in text)
        {
            var glyph = Find(c);
            Draw(canvas, glyph, x, y, size, colour);
            x += (glyph.Width + SpaceBetween) * size;
        }
    }

    private static Glyph Find(char c) => c is >= ' ' and <= '~' ? Glyphs[c - ' '] : Glyphs[^1];

    // A pixel is opaque up to half a pixel inside the pen's radius, clear from half a pixel outside it, and partly opaque between.
    private static void Draw(Canvas canvas, Glyph glyph, float x, int y, float size, Rgb colour)
    {
        var radius = PenRadius * size;
        var reach = (int)MathF.Ceiling(radius + 0.5f);
        var right = (int)MathF.Ceiling(x + (glyph.Width * size)) + reach;
        var bottom = (int)MathF.Ceiling(y + (Height * size)) + reach;
        for (var py = Math.Max(0, y - reach); py <= bottom && py < canvas.Height; py++)
        {
            for (var px = Math.Max(0, (int)x - reach); px <= right && px < canvas.Width; px++)
            {
                var point = new Vector2((px - x) / size, (py - y) / size);
                var opacity = radius + 0.5f - (glyph.Distance(point) * size);
                if (opacity > 0)
                    canvas.Blend(px, py, colour, Math.Min(opacity, 1));
            }
        }
    }

    private static Glyph Parse(string design)
    {
        var parts = design.Split(' ');
        var segments = new List<(Vector2, Vector2)>();
        foreach (var stroke in parts.AsSpan(1))
        {
            var from = PointAt(stroke, 0);
            if (stroke.Length == 2)
                segments.Add((from, from));
            for (var i = 2; i < stroke.Length; i += 2)
            {
                var to = PointAt(stroke, i);
                if (!char.IsAsciiLetterUpper(stroke[i + 1]))
                {
                    segments.Add((from, to));
                    from = to;
                    continue;
                }

                // Between two control points in a row, the curve passes through their midpoint.
                var end = PointAt(stroke, i + 2);
                var isReached = !char.IsAsciiLetterUpper(stroke[i + 3]);
                end = isReached ? end : (to + end) / 2;
                var start = from;
                for (var step = 1; step <= CurveSteps; step++)
                {
                    var t = (float)step / CurveSteps;
                    var next = Vector2.Lerp(Vector2.Lerp(start, to, t), Vector2.Lerp(to, end, t), t);
                    segments.Add((from, next));
                    from = next;
                }
                i += isReached ? 2 : 0;
            }
        }
        return new Glyph(parts[0][0] - '0', [.. segments]);
    }

    private static Vector2 PointAt(string stroke, int i)
        => new(stroke[i] - '0', char.ToLowerInvariant(stroke[i + 1]) - 'a');

    private sealed record Glyph(int Width, (Vector2 From, Vector2 To)[] Segments)
    {
        /// <summary>The distance from a point to the nearest stroke, in units of the design.</summary>
        public float Distance(Vector2 point)
        {
            var nearest = float.PositiveInfinity;
            foreach ((var from, var to) in Segments)
            {
                var along = to - from;
                var length = along.LengthSquared();
                var t = length > 0 ? Math.Clamp(Vector2.Dot(point - from, along) / length, 0, 1) : 0;
                nearest = MathF.Min(nearest, Vector2.DistanceSquared(point, from + (along * t)));
            }
            return MathF.Sqrt(nearest);
        }
    }
}
