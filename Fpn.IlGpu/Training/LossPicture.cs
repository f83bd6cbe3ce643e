using System.Globalization;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Training;

/// <summary>A plot of the loss: a grey dot for each step, and a line for the moving mean over a fiftieth of the steps.</summary>
internal static class LossPicture
{
    private const int Width = 900;
    private const int Height = 480;
    private const int Left = 70;
    private const int Right = 20;
    private const int Top = 20;
    private const int Bottom = 40;
    private const float TextPx = 13;
    private const int Ticks = 5;

    private static readonly Rgb Ink = new(40, 40, 40);
    private static readonly Rgb Dot = new(170, 180, 190);
    private static readonly Rgb Line = new(200, 60, 40);
    private static readonly Rgb Grid = new(225, 225, 225);

    /// <summary>Draws the plot.</summary>
    /// <param name="losses">The losses of the steps so far, in order.</param>
    public static RgbImage Draw(IReadOnlyList<(int Step, float Loss)> losses)
    {
        var image = new RgbImage(Width, Height);
        var canvas = new Canvas(image);
        canvas.Fill(new PixelRectangle(0, 0, Width, Height), Rgb.White);
        var finite = losses.Where(l => float.IsFinite(l.Loss)).ToList();
        // Scale to the 99th percentile: the high losses of the first steps would flatten the rest of the curve.
        var most = NiceAbove(finite.Count == 0 ? 1 : finite.Select(l => l.Loss).Order().ElementAt((finite.Count - 1) * 99 / 100) * 1.1f);
        var last = Math.Max(1, losses.Count == 0 ? 1 : losses[^1].Step);
        for (var i = 0; i <= Ticks; i++)
        {
            var y = Y(most * i / Ticks, most);
            canvas.Fill(new PixelRectangle(Left, y, Width - Right, y + 1), Grid);
            Label(canvas, (most * i / Ticks).ToString("G3", CultureInfo.InvariantCulture), Left - 8, y - (int)TextPx / 2, alignRight: true);
            var step = (int)((long)last * i / Ticks);
            Label(canvas, step.ToString(CultureInfo.InvariantCulture), X(step, last), Height - Bottom + 10, alignRight: i == Ticks);
        }
        foreach (var (step, loss) in finite)
            Mark(canvas, X(step, last), Y(loss, most), 1, Dot, 0.5f);
        DrawMean(canvas, finite, last, most);
        return image;
    }

    private static void DrawMean(Canvas canvas, List<(int Step, float Loss)> losses, int last, float most)
    {
        var window = Math.Max(1, losses.Count / 50);
        var sum = 0.0;
        (int X, int Y)? before = null;
        for (var i = 0; i < losses.Count; i++)
        {
            sum += losses[i].Loss;
            if (i >= window)
                sum -= losses[i - window].Loss;
            var x = X(losses[i].Step, last);
            var y = Y((float)(sum / Math.Min(i + 1, window)), most);
            // Draw a stroke from the previous point, so that steep parts have no gaps.
            var (fromX, fromY) = before ?? (x, y);
            var strokes = Math.Max(1, Math.Max(Math.Abs(x - fromX), Math.Abs(y - fromY)));
            for (var s = 0; s <= strokes; s++)
                Mark(canvas, fromX + (x - fromX) * s / strokes, fromY + (y - fromY) * s / strokes, 2, Line, 1);
            before = (x, y);
        }
    }

    private static void Mark(Canvas canvas, int x, int y, int size, Rgb colour, float opacity)
        => canvas.Fill(new PixelRectangle(x, y, x + size, y + size), colour, opacity);

    private static void Label(Canvas canvas, string text, int x, int y, bool alignRight)
        => StrokeFont.Draw(canvas, text, alignRight ? x - StrokeFont.Measure(text, TextPx) : x, y, TextPx, Ink);

    private static int X(int step, int last) => Left + (int)((long)(Width - Left - Right) * step / last);

    private static int Y(float loss, float most) => Height - Bottom - (int)((Height - Top - Bottom) * Math.Clamp(loss / most, 0, 1));

    // Rounds up to 1, 2, 5 or 10 times a power of ten.
    private static float NiceAbove(float value)
    {
        var unit = MathF.Pow(10, MathF.Floor(MathF.Log10(Math.Max(value, 1e-6f))));
        return unit * (value / unit) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
    }
}
