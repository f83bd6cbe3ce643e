using System.Globalization;
using System.Numerics;

namespace Fpn.IlGpu.Imaging;

/// <summary>One line of a plot.</summary>
/// <param name="Name">The name in the legend.</param>
/// <param name="Points">x and y in the units of the axes, left to right; points outside the plot are drawn at its border.</param>
/// <param name="Colour">The colour of the line.</param>
internal sealed record PlotLine(string Name, IReadOnlyList<Vector2> Points, Rgb Colour);

/// <summary>A line plot with two axes, a grid, a title and, to the right, a legend; light on dark.</summary>
/// <param name="Title">The title, above the plot.</param>
/// <param name="XLabel">The label of the x axis, below the plot.</param>
/// <param name="YLabel">The label of the y axis, above its top.</param>
/// <param name="XTicks">The positions of the grid's vertical lines, ascending; the first is the left border, the last the
/// right one.</param>
/// <param name="YTicks">The positions of the grid's horizontal lines, ascending; the first is the lower border, the last
/// the upper one.</param>
/// <param name="Lines">The lines; earlier ones are drawn on top, and come first in the legend.</param>
internal sealed record LinePlot(
    string Title, string XLabel, string YLabel, IReadOnlyList<float> XTicks, IReadOnlyList<float> YTicks, IReadOnlyList<PlotLine> Lines)
{
    public static readonly Rgb Background = new(28, 29, 33);

    private const float TextSize = 1;
    private const int LineHeight = 18;
    private const int Left = 56;
    private const int Top = 62;
    private const int Bottom = 52;
    private const int SwatchWidth = 22;
    private const int Gap = 8;

    private static readonly Rgb Ink = new(228, 229, 233);
    private static readonly Rgb Grid = new(62, 64, 71);

    /// <summary>Draws the plot into a part of a picture, and fills that part.</summary>
    public void Draw(Canvas canvas, PixelRectangle part)
    {
        canvas.Fill(part, Background);
        var legend = Lines.Select(line => StrokeFont.Measure(line.Name, TextSize)).DefaultIfEmpty().Max() + SwatchWidth + (3 * Gap);
        var plot = new PixelRectangle(part.Left + Left, part.Top + Top, part.Right - (int)legend, part.Bottom - Bottom);
        Text(canvas, Title, plot.Left, part.Top + 16);
        Text(canvas, YLabel, plot.Left, part.Top + 38);
        Text(canvas, XLabel, plot.Left + ((plot.Width - StrokeFont.Measure(XLabel, TextSize)) / 2), plot.Bottom + 28);
        DrawGrid(canvas, plot);
        foreach (var line in Lines.Reverse())
            PolyLine.Draw(canvas, [.. line.Points.Select(point => ToPx(point, plot))], 2, line.Colour);
        for (var i = 0; i < Lines.Count; i++)
        {
            var y = plot.Top + (i * LineHeight);
            PolyLine.Draw(canvas, [new(plot.Right + (2 * Gap), y + 4), new(plot.Right + Gap + SwatchWidth, y + 4)], 3, Lines[i].Colour);
            Text(canvas, Lines[i].Name, plot.Right + (2 * Gap) + SwatchWidth, y);
        }
    }

    private static void Text(Canvas canvas, string text, float x, int y) => StrokeFont.Draw(canvas, text, x, y, TextSize, Ink);

    private static string Label(float value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    private void DrawGrid(Canvas canvas, PixelRectangle plot)
    {
        foreach (var tick in XTicks)
        {
            var x = (int)ToPx(new Vector2(tick, YTicks[0]), plot).X;
            canvas.Fill(new PixelRectangle(x, plot.Top, x + 1, plot.Bottom + 5), Grid);
            Text(canvas, Label(tick), x - (StrokeFont.Measure(Label(tick), TextSize) / 2), plot.Bottom + 9);
        }
        foreach (var tick in YTicks)
        {
            var y = (int)ToPx(new Vector2(XTicks[0], tick), plot).Y;
            canvas.Fill(new PixelRectangle(plot.Left - 4, y, plot.Right + 1, y + 1), Grid);
            Text(canvas, Label(tick), plot.Left - 10 - StrokeFont.Measure(Label(tick), TextSize), y - 4);
        }
    }

    private Vector2 ToPx(Vector2 point, PixelRectangle plot)
    {
        var x = (point.X - XTicks[0]) / (XTicks[^1] - XTicks[0]);
        var y = (point.Y - YTicks[0]) / (YTicks[^1] - YTicks[0]);
        return new Vector2(plot.Left + (Math.Clamp(x, 0, 1) * plot.Width), plot.Bottom - (Math.Clamp(y, 0, 1) * plot.Height));
    }
}
