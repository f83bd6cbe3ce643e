namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Draws detections on a picture: a frame in the class's colour, a plate with the label and, below them, the mask if there
/// is one. Lines and text grow with the picture; dark edges keep them visible on any background.
/// </summary>
public static class AnnotationPainter
{
    private const float EdgeOpacity = 0.55f;

    // The smallest readable text, in px per unit of the font: capitals are 8 px high.
    private const float SmallestSize = 1;

    /// <summary>
    /// Draws on <paramref name="image"/> itself. Earlier annotations get the better places for their labels, and are drawn
    /// above later ones. Annotations that are off the picture, or have a NaN coordinate, are skipped; labels too long for
    /// the picture are truncated.
    /// </summary>
    /// <param name="image">The picture to draw on.</param>
    /// <param name="annotations">The annotations to draw; boxes in px of the picture.</param>
    /// <exception cref="ArgumentException">A mask does not have the picture's size.</exception>
    public static void Draw(RgbImage image, IReadOnlyList<Annotation> annotations)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(annotations);
        var canvas = new Canvas(image);
        var size = TextSize(image);
        var line = Math.Max(1, (int)MathF.Round(size * 2));
        var edge = Math.Max(1, (int)(size / 2));
        var boxed = new List<(Annotation Annotation, PixelRectangle Box)>();
        foreach (var annotation in annotations)
        {
            CheckSize(annotation.Mask, image);
            if (TryRound(annotation, image, line + edge, out var box))
                boxed.Add((annotation, box));
        }
        var placement = new LabelPlacement(image.Width, image.Height, [.. boxed.Select(b => b.Box)]);
        var labels = boxed.Select(b => MakeLabel(b.Annotation, b.Box, image, size, edge, placement)).ToList();

        labels.Reverse();
        foreach (var label in labels)
        {
            if (label.Mask is not null)
                MaskPainter.Draw(canvas, label.Mask, label.Colour, line, edge, EdgeOpacity);
        }
        foreach (var label in labels)
            DrawFrame(canvas, label.Box, label.Colour, line, edge);
        foreach (var label in labels)
            DrawPlate(canvas, label, size, edge);
    }

    /// <summary>Px per unit of the font, in steps of 0.5: 1 up to about 800 x 600, 1.5 at 1333 x 800.</summary>
    internal static float TextSize(RgbImage image)
        => Math.Max(SmallestSize, MathF.Round(MathF.Sqrt((float)image.Width * image.Height) / 325) / 2);

    private static void CheckSize(ObjectMask? mask, RgbImage image)
    {
        if (mask is not null && (mask.Width != image.Width || mask.Height != image.Height))
        {
            throw new ArgumentException(
                $"A mask of {mask.Width} x {mask.Height} px does not fit a picture of {image.Width} x {image.Height} px.");
        }
    }

    // Rounds to whole px, and clamps to just beyond the picture; false if no part of the box is on the picture.
    private static bool TryRound(in Annotation annotation, RgbImage image, int margin, out PixelRectangle box)
    {
        (var x1, var y1, var x2, var y2) = (annotation.X1, annotation.Y1, annotation.X2, annotation.Y2);
        box = default;
        if (float.IsNaN(x1 + x2) || float.IsNaN(y1 + y2))
            return false;
        box = new(
            Round(Math.Min(x1, x2), image.Width), Round(Math.Min(y1, y2), image.Height),
            Round(Math.Max(x1, x2), image.Width), Round(Math.Max(y1, y2), image.Height));

        // Even the smallest box covers a pixel.
        box = box with { Right = Math.Max(box.Right, box.Left + 1), Bottom = Math.Max(box.Bottom, box.Top + 1) };
        return box.Right > 0 && box.Bottom > 0 && box.Left < image.Width && box.Top < image.Height;

        int Round(float value, int length) => (int)MathF.Round(Math.Clamp(value, -margin, length + margin));
    }

    private static Label MakeLabel(
        in Annotation annotation, PixelRectangle box, RgbImage image, float size, int edge, LabelPlacement placement)
    {
        var colour = ClassColours.Of(annotation.ColourIndex);
        var padding = Padding(size, edge);
        var text = annotation.Text ?? "";
        var room = image.Width - (2 * padding) - 1;
        var height = (int)(StrokeFont.Height * size) + (2 * padding) + 1;
        while (text.Length > 0 && StrokeFont.Measure(text, size) > room)
            text = text[..^1];
        if (text.Length == 0 || height > image.Height)
            return new Label(box, annotation.Mask, colour, "", default);
        var width = (int)MathF.Ceiling(StrokeFont.Measure(text, size)) + (2 * padding) + 1;
        return new Label(box, annotation.Mask, colour, text, placement.Place(box, width, height));
    }

    private static void DrawFrame(Canvas canvas, PixelRectangle box, Rgb colour, int line, int edge)
    {
        canvas.Frame(box.Grow(edge), edge, Rgb.Black, EdgeOpacity);
        if (Math.Min(box.Width, box.Height) > 2 * (line + edge))
            canvas.Frame(box.Grow(-line), edge, Rgb.Black, EdgeOpacity);
        canvas.Frame(box, line, colour);
    }

    private static void DrawPlate(Canvas canvas, in Label label, float size, int edge)
    {
        if (label.Text.Length == 0)
            return;
        canvas.Fill(label.Plate, Rgb.Black, EdgeOpacity);
        canvas.Fill(label.Plate.Grow(-edge), label.Colour);
        var padding = Padding(size, edge);
        var ink = ClassColours.TextOn(label.Colour);
        StrokeFont.Draw(canvas, label.Text, label.Plate.Left + padding, label.Plate.Top + padding, size, ink);
    }

    // From the plate's border to the middle of the outermost strokes.
    private static int Padding(float size, int edge) => edge + (int)MathF.Ceiling(size * 2.5f);

    private readonly record struct Label(PixelRectangle Box, ObjectMask? Mask, Rgb Colour, string Text, PixelRectangle Plate);
}
