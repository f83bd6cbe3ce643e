using System.Globalization;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Detection;

/// <summary>Draws detections: <c>picture.Draw(detector.Detect(picture))</c>.</summary>
public static class DetectionDrawing
{
    /// <summary>Draws objects with their boxes, masks, labels and scores onto their picture. Each class has a colour of its own.</summary>
    /// <param name="picture">The picture, which is changed.</param>
    /// <param name="objects">What was found in it.</param>
    /// <exception cref="ArgumentException">A mask has another size than the picture.</exception>
    public static void Draw(this RgbImage picture, IReadOnlyList<DetectedObject> objects)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(objects);
        AnnotationPainter.Draw(picture, [.. objects.Select(ToAnnotation)]);
    }

    /// <summary>What is drawn of an object: its box and mask in the colour of its class, its label and score.</summary>
    /// <param name="found">The object.</param>
    public static Annotation ToAnnotation(this DetectedObject found)
    {
        var box = found.BoxImagePx;
        var text = string.Create(CultureInfo.InvariantCulture, $"{found.Label} {found.Score:F2}");
        return new Annotation(box.X1, box.Y1, box.X2, box.Y2, text, found.ClassId, found.Mask);
    }
}
