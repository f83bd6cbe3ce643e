using System.Globalization;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Data;

/// <summary>Prepares annotated boxes for training.</summary>
internal static class AnnotatedBoxes
{
    // In px. Clipping a rounding error is not worth reporting.
    private const double Slack = 0.01;

    /// <summary>
    /// Clips a box to its picture. Reports a box that reaches outside, and returns null for one that has no area in the
    /// picture.
    /// </summary>
    /// <param name="x1">Left edge, in px.</param>
    /// <param name="y1">Top edge, in px.</param>
    /// <param name="x2">Right edge, in px.</param>
    /// <param name="y2">Bottom edge, in px.</param>
    /// <param name="width">The picture's width, in px.</param>
    /// <param name="height">The picture's height, in px.</param>
    /// <param name="which">The name of the object in messages.</param>
    /// <param name="problems">Receives the problem, if there is one.</param>
    public static Box? Clip(
        double x1, double y1, double x2, double y2, int width, int height, string which, AnnotationProblems problems)
    {
        var box = new Box(
            (float)Math.Clamp(x1, 0, width), (float)Math.Clamp(y1, 0, height),
            (float)Math.Clamp(x2, 0, width), (float)Math.Clamp(y2, 0, height));
        var outside = x1 < -Slack || y1 < -Slack || x2 > width + Slack || y2 > height + Slack;
        string Said() => string.Create(
            CultureInfo.InvariantCulture, $"{which}: {x1:0.##}, {y1:0.##} to {x2:0.##}, {y2:0.##} px of {width} × {height}");
        if (!(box.Width > 0 && box.Height > 0))
        {
            problems.Add(AnnotationProblem.BoxEmpty, Said(), AnnotationPart.Objects);
            return null;
        }
        if (outside)
            problems.Add(AnnotationProblem.BoxOutside, Said());
        return box;
    }
}
