namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Draws a mask: a translucent fill, a line in the full colour along the inside of its outline, and a dark edge outside. No
/// line is drawn along the picture's border, because the object may continue beyond it.
/// </summary>
internal static class MaskPainter
{
    private const float FillOpacity = 0.4f;

    // Chamfer distances (Borgefors, "Distance transformations in digital images", 1986): a step along a row or column is 5,
    // and a diagonal step is 7, which is close enough to √2 · 5 for lines a few px wide.
    private const int Sideways = 5;
    private const int Across = 7;

    /// <summary>Draws a mask.</summary>
    /// <param name="canvas">A picture of the mask's size.</param>
    /// <param name="mask">The object's pixels.</param>
    /// <param name="colour">The colour of the fill and the line.</param>
    /// <param name="line">Width of the line, in px.</param>
    /// <param name="edge">Width of the edge, in px.</param>
    /// <param name="edgeOpacity">The opacity of the edge, 0 to 1.</param>
    public static void Draw(Canvas canvas, ObjectMask mask, Rgb colour, int line, int edge, float edgeOpacity)
    {
        var window = Window(mask, edge + 1);
        if (window.Area == 0)
            return;
        var inside = new bool[window.Area];
        foreach ((var x, var y, var length) in mask.Strokes())
        {
            for (var i = 0; i < length; i++)
                inside[((y + i - window.Top) * window.Width) + x - window.Left] = true;
        }
        var distances = Distances(inside, window.Width, window.Height);
        for (var i = 0; i < inside.Length; i++)
        {
            (var y, var x) = Math.DivRem(i, window.Width);
            var distance = (float)distances[i] / Sideways;

            // The share of the px that the line or the edge covers; the centre of the px is distance − 0.5 px from the outline.
            var covered = Math.Clamp((inside[i] ? line : edge) + 1 - distance, 0, 1);
            if (inside[i])
                canvas.Blend(window.Left + x, window.Top + y, colour, FillOpacity + ((1 - FillOpacity) * covered));
            else if (covered > 0)
                canvas.Blend(window.Left + x, window.Top + y, Rgb.Black, edgeOpacity * covered);
        }
    }

    // The part of the picture that the mask and a margin around it cover.
    private static PixelRectangle Window(ObjectMask mask, int margin)
    {
        var bounds = new PixelRectangle(mask.Width, mask.Height, 0, 0);
        foreach ((var x, var y, var length) in mask.Strokes())
        {
            bounds = new(
                Math.Min(bounds.Left, x), Math.Min(bounds.Top, y), Math.Max(bounds.Right, x + 1), Math.Max(bounds.Bottom, y + length));
        }
        if (bounds.Right == 0)
            return default;
        bounds = bounds.Grow(margin);
        return new(
            Math.Max(bounds.Left, 0), Math.Max(bounds.Top, 0), Math.Min(bounds.Right, mask.Width), Math.Min(bounds.Bottom, mask.Height));
    }

    // The distance from each px to the nearest px of the other kind, in chamfer steps: one pass forwards, and one backwards.
    private static ushort[] Distances(bool[] inside, int width, int height)
    {
        // Larger than the width of any line, and adding a step does not overflow.
        const ushort Far = 60_000;
        var distances = new ushort[inside.Length];
        Array.Fill(distances, Far);
        for (var i = 0; i < inside.Length; i++)
            Near(i, -1);
        for (var i = inside.Length - 1; i >= 0; i--)
            Near(i, 1);
        return distances;

        void Near(int i, int direction)
        {
            (var y, var x) = Math.DivRem(i, width);
            Look(i, x + direction, y, Sideways);
            Look(i, x - 1, y + direction, Across);
            Look(i, x, y + direction, Sideways);
            Look(i, x + 1, y + direction, Across);
        }
        void Look(int i, int x, int y, int step)
        {
            if ((uint)x < (uint)width && (uint)y < (uint)height)
            {
                var other = (y * width) + x;
                var distance = step + (inside[other] == inside[i] ? distances[other] : 0);
                distances[i] = (ushort)Math.Min(distances[i], distance);
            }
        }
    }
}
