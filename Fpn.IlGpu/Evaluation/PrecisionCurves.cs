using System.Globalization;
using System.Numerics;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// Draws how precision falls as recall rises: on the left the mean of all classes at IoU 0.50 to 0.95, where the area under
/// each curve is the AP at that IoU; on the right single classes at IoU 0.50, best first.
/// </summary>
public static class PrecisionCurves
{
    // As many as the legend has room for.
    private const int MostClasses = 20;
    private const int PanelWidth = 640;
    private const int Height = 480;
    private const int LongestName = 16;

    private static readonly float[] Ticks = [0, 0.2f, 0.4f, 0.6f, 0.8f, 1];

    /// <summary>Returns a picture of the curves, 1280 × 480 px.</summary>
    public static RgbImage Draw(CocoEvaluation evaluation)
    {
        ArgumentNullException.ThrowIfNull(evaluation);
        var image = new RgbImage(2 * PanelWidth, Height);
        var canvas = new Canvas(image);
        var kind = EvaluationJson.NameOf(evaluation.Kind);
        Panel($"{kind}, all classes", ByIou(evaluation)).Draw(canvas, new PixelRectangle(0, 0, PanelWidth, Height));
        var classes = ByClass(evaluation);
        var which = classes.Length == MostClasses ? $"the {MostClasses} best classes" : "by class";
        Panel($"{kind}, {which}, IoU 0.50", classes).Draw(canvas, new PixelRectangle(PanelWidth, 0, 2 * PanelWidth, Height));
        return image;
    }

    private static LinePlot Panel(string title, PlotLine[] lines) => new(title, "recall", "precision", Ticks, Ticks, lines);

    private static PlotLine[] ByIou(CocoEvaluation evaluation)
        => [.. CocoProtocol.IouThresholds.Index().Select(t => Line(
            string.Create(CultureInfo.InvariantCulture, $"IoU {t.Item:F2}"), evaluation.PrecisionCurve(t.Item),
            Shade(t.Index, CocoProtocol.IouThresholds.Length))).OfType<PlotLine>()];

    private static PlotLine[] ByClass(CocoEvaluation evaluation)
        => [.. evaluation.Categories.Select((category, k) => (category.Name, Curve: evaluation.PrecisionCurve(.5, k), k))
            .Where(item => item.Curve is not null)
            .OrderByDescending(item => item.Curve!.Average())
            .Take(MostClasses)
            .Select(item => Line(Short(item.Name), item.Curve, ClassColours.Of(item.k))!)];

    // The number is the area under the curve as COCO computes it: the mean at its 101 recalls.
    private static PlotLine? Line(string name, IReadOnlyList<double>? curve, Rgb colour) => curve is null
        ? null
        : new PlotLine(
            string.Create(CultureInfo.InvariantCulture, $"{name}  {curve.Average():F3}"),
            [.. Reached(curve).Select((precision, r) => new Vector2((float)CocoProtocol.Recalls[r], (float)precision))], colour);

    // Up to the first 0, where nothing more is found: beyond it many lines would coincide.
    private static IEnumerable<double> Reached(IReadOnlyList<double> curve)
        => curve.Take(1 + curve.TakeWhile(precision => precision > 0).Count());

    // From yellow (the lowest IoU) to violet.
    private static Rgb Shade(int index, int count)
    {
        var t = (float)index / (count - 1);
        return new Rgb((byte)(250 - (130 * t)), (byte)(220 - (130 * t)), (byte)(90 + (150 * t)));
    }

    private static string Short(string name) => name.Length <= LongestName ? name : $"{name[..(LongestName - 2)]}..";
}
