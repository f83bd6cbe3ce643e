using Fpn.IlGpu.Training;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// The picture of a run as SVG: its losses on a logarithmic axis, the figures of its validations, and its learning rate, over the steps.
/// It has a white background of its own, so that it looks the same on a dark page.
/// </summary>
internal static class TrainingPlot
{
    private const int Width = 900;
    private const int Height = 500;

    // Losses are noisy. A curve is drawn through this many points, each the mean of a stretch of steps.
    private const int MostPoints = 60;

    private static readonly OxyColor Ink = OxyColor.FromRgb(0x33, 0x33, 0x33);
    private static readonly OxyColor Grid = OxyColor.FromRgb(0xE6, 0xE6, 0xE6);

    // Paul Tol's bright colours, which people who don't see all colours can tell apart.
    private static readonly OxyColor[] LossColours =
    [
        OxyColor.FromRgb(0xEE, 0x66, 0x77), OxyColor.FromRgb(0x44, 0x77, 0xAA), OxyColor.FromRgb(0x22, 0x88, 0x33),
        OxyColor.FromRgb(0xCC, 0xBB, 0x44), OxyColor.FromRgb(0x66, 0xCC, 0xEE), OxyColor.FromRgb(0xBB, 0xBB, 0xBB),
    ];

    private static readonly OxyColor[] FigureColours =
    [
        OxyColor.FromRgb(0xAA, 0x33, 0x77), OxyColor.FromRgb(0xEE, 0x77, 0x33), OxyColor.FromRgb(0x33, 0x22, 0x88),
        OxyColor.FromRgb(0x99, 0x99, 0x33),
    ];

    /// <summary>Draws a log.</summary>
    /// <param name="log">The log.</param>
    /// <param name="svg">Receives UTF-8; stays open.</param>
    public static void Write(TrainingTable log, Stream svg)
    {
        var exporter = new SvgExporter { Width = Width, Height = Height, IsDocument = true, TextMeasurer = new PixelMeasurer() };
        exporter.Export(ModelOf(log), svg);
    }

    private static PlotModel ModelOf(TrainingTable log)
    {
        var model = new PlotModel
        {
            Background = OxyColors.White,
            PlotAreaBorderColor = Grid,
            TextColor = Ink,
            DefaultFont = "Arial",
            DefaultFontSize = 13,
            Padding = new OxyThickness(8, 12, 16, 8),
        };
        AddAxes(model, log);
        model.Legends.Add(new Legend
        {
            LegendPosition = LegendPosition.RightTop,
            LegendPlacement = LegendPlacement.Outside,
            LegendSymbolLength = 22,
            LegendLineSpacing = 5,
            LegendPadding = 4,
            LegendMargin = 12,
            LegendBorderThickness = 0,
        });
        foreach (var (i, loss) in log.Losses.Prepend(TrainingTable.Loss).Index())
            Add(model, loss, TrainingTable.Loss, Means(log.ValuesOf(loss)), LossColours[i % LossColours.Length], i == 0 ? 2.5 : 1.5);
        foreach (var (i, figure) in log.Figures.Index())
            Add(model, figure, "figures", log.ValuesOf(figure), FigureColours[i % FigureColours.Length], 2, MarkerType.Circle);
        Add(model, "learning rate", "rate", Means(log.ValuesOf(TrainingTable.Rate)), Ink, 1.5);
        return model;
    }

    private static void AddAxes(PlotModel model, TrainingTable log)
    {
        const double rateTop = 0.16, figuresTop = 0.48, gap = 0.04;
        var hasFigures = log.Figures.Any();
        model.Axes.Add(Styled(new LinearAxis
        {
            Position = AxisPosition.Bottom,
            Title = "step",
            Minimum = 0,
            Maximum = log.Rows.Count == 0 ? 1 : TrainingTable.StepOf(log.Rows[^1])!.Value,
            MinimumMajorStep = 1,
        }));
        model.Axes.Add(Styled(new LogarithmicAxis
        {
            Position = AxisPosition.Left,
            Title = "loss",
            Key = TrainingTable.Loss,
            StartPosition = (hasFigures ? figuresTop : rateTop) + gap,
        }));
        model.Axes.Add(Styled(new LinearAxis
        {
            Position = AxisPosition.Left,
            Title = "rate",
            Key = "rate",
            Minimum = 0,
            MaximumPadding = 0.15,
            EndPosition = rateTop,
        }));
        if (hasFigures)
        {
            model.Axes.Add(Styled(new LinearAxis
            {
                Position = AxisPosition.Left,
                Title = log.Figures.First().StartsWith("AR", StringComparison.Ordinal) ? "AR" : "AP",
                Key = "figures",
                Minimum = 0,
                AbsoluteMaximum = 1,
                MinimumRange = 0.01,
                MaximumPadding = 0.1,
                StartPosition = rateTop + gap,
                EndPosition = figuresTop,
            }));
        }
    }

    private static Axis Styled(Axis axis)
    {
        axis.MajorGridlineStyle = LineStyle.Solid;
        axis.MajorGridlineColor = Grid;
        axis.TicklineColor = Grid;
        axis.MinorTickSize = 0;
        axis.AxisTitleDistance = 8;
        return axis;
    }

    private static void Add(
        PlotModel model, string name, string axis, IEnumerable<(int Step, double Value)> points, OxyColor colour, double thickness,
        MarkerType marker = MarkerType.None)
    {
        var series = new LineSeries
        {
            Title = name,
            YAxisKey = axis,
            Color = colour,
            StrokeThickness = thickness,
            LineJoin = LineJoin.Round,
            MarkerType = marker,
            MarkerSize = 3,
            MarkerFill = colour,
        };
        series.Points.AddRange(points.Select(point => new DataPoint(point.Step, point.Value)));
        model.Series.Add(series);
    }

    // A logarithm exists of values above 0 only; losses are 0 where a batch has nothing to learn from.
    private static IEnumerable<(int Step, double Value)> Means(IReadOnlyList<(int Step, double Value)> points)
    {
        (int Step, double Value)[] finite = [.. points.Where(point => double.IsFinite(point.Value))];
        return finite.Chunk(Math.Max(1, (finite.Length + MostPoints - 1) / MostPoints))
            .Select(chunk => ((int)chunk.Average(point => point.Step), chunk.Average(point => point.Value)))
            .Where(mean => mean.Item2 > 0);
    }

    // OxyPlot measures in points what it then draws in px.
    private sealed class PixelMeasurer() : PdfRenderContext(Width, Height, OxyColors.White)
    {
        private const double PxPerPoint = 96.0 / 72;

        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
            => base.MeasureText(text, fontFamily, PxPerPoint * fontSize, fontWeight);
    }
}
