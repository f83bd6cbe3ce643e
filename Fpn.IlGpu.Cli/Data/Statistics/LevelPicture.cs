using System.Globalization;

using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Fpn.IlGpu.Cli;

/// <summary>A picture of the objects' sizes: how many there are in each half octave, and the pyramid level that they are read from.</summary>
internal static class LevelPicture
{
    private const int Width = 900;
    private const int Height = 480;
    private const int BinsPerOctave = 2;
    private const double FontSize = 14;
    private const double TitleDistance = 14;
    private const double LineSpacing = 8;

    // Paul Tol's "bright": distinct also without colour vision.
    private static readonly OxyColor[] Colours =
    [
        OxyColor.FromRgb(0x44, 0x77, 0xAA), OxyColor.FromRgb(0x22, 0x88, 0x33), OxyColor.FromRgb(0xCC, 0xBB, 0x44),
        OxyColor.FromRgb(0xEE, 0x66, 0x77),
    ];

    private static readonly OxyColor Ink = OxyColor.FromRgb(40, 40, 40);
    private static readonly OxyColor Grid = OxyColor.FromRgb(225, 225, 225);

    /// <summary>Writes the picture as SVG.</summary>
    /// <param name="sizes">Each object's side in px of the network's input, and its level.</param>
    /// <param name="anchors">The anchors' sides, in px of the input.</param>
    /// <param name="title">The title.</param>
    /// <param name="stream">Receives the file.</param>
    public static void Write(IReadOnlyList<(double Side, int Level)> sizes, IReadOnlyList<int> anchors, string title, Stream stream)
        => new SvgExporter { Width = Width, Height = Height, IsDocument = true }.Export(Model(sizes, anchors, title), stream);

    private static PlotModel Model(IReadOnlyList<(double Side, int Level)> sizes, IReadOnlyList<int> anchors, string title)
    {
        var model = new PlotModel
        {
            Title = title,
            TitleFontSize = FontSize + 2,
            TitleFontWeight = FontWeights.Normal,
            DefaultFont = "Arial",
            DefaultFontSize = FontSize,
            Background = OxyColors.White,
            TextColor = Ink,
            PlotAreaBorderColor = Grid,
        };
        var bins = sizes.GroupBy(size => (int)Math.Floor(Math.Log2(Math.Max(size.Side, 1)) * BinsPerOctave)).OrderBy(bin => bin.Key).ToList();
        var (first, last) = (bins[0].Key, bins[^1].Key + 1);
        model.Axes.Add(new LogarithmicAxis
        {
            Position = AxisPosition.Bottom,
            Base = 2,
            Minimum = Edge(Math.Min(first, Bin(anchors[0]) - 1)),
            Maximum = Edge(Math.Max(last, Bin(anchors[^1]) + 1)),
            Title = "√(width · height) in px of the network's input",
            AxisTitleDistance = TitleDistance,
            AxislineColor = Ink,
            TicklineColor = Ink,
            MinorTickSize = 0,
            StringFormat = "0",
        });
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Left,
            Minimum = 0,
            MaximumPadding = 0.12,
            Title = "objects",
            AxisTitleDistance = TitleDistance,
            MajorGridlineStyle = LineStyle.Solid,
            MajorGridlineColor = Grid,
            TicklineColor = Grid,
            MinorTickSize = 0,
        });
        model.Legends.Add(new Legend
        {
            LegendPosition = LegendPosition.RightTop,
            LegendPlacement = LegendPlacement.Outside,
            LegendLineSpacing = LineSpacing,
        });
        foreach (var (index, level) in new[] { 2, 3, 4, 5 }.Index())
            model.Series.Add(Columns(bins, level, Colours[index]));
        foreach (var anchor in anchors)
        {
            model.Annotations.Add(new LineAnnotation
            {
                Type = LineAnnotationType.Vertical,
                X = anchor,
                Color = Ink,
                LineStyle = LineStyle.Dash,
                StrokeThickness = 1,
            });
        }
        return model;
    }

    // The levels of a half octave stand on one another.
    private static RectangleBarSeries Columns(List<IGrouping<int, (double Side, int Level)>> bins, int level, OxyColor colour)
    {
        var series = new RectangleBarSeries
        {
            Title = string.Create(CultureInfo.InvariantCulture, $"P{level}"),
            FillColor = colour,
            StrokeThickness = 0,
        };
        foreach (var bin in bins)
        {
            var below = bin.Count(size => size.Level < level);
            var own = bin.Count(size => size.Level == level);
            if (own > 0)
                series.Items.Add(new RectangleBarItem(Edge(bin.Key + 0.04), below, Edge(bin.Key + 0.96), below + own));
        }
        return series;
    }

    private static double Edge(double bin) => Math.Pow(2, bin / BinsPerOctave);

    private static int Bin(double side) => (int)Math.Floor(Math.Log2(side) * BinsPerOctave);
}
