using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>The background behind the shapes: a colour, four octaves of smooth clouds, and clutter that belongs to no class.</summary>
internal static class SceneBackground
{
    private const int Octaves = 4;

    /// <summary>Draws a background.</summary>
    public static RgbImage Draw(SeededRandom random, int w, int h)
    {
        var image = new RgbImage(w, h);
        var values = Clouds(random, w, h);
        for (var i = 0; i < values.Length; i++)
            image.Pixels[i] = (byte)Math.Clamp(values[i], 0, 255);

        var pen = new SpanRaster(w, h, RgbImage.Channels, image.Pixels);
        for (var left = random.NextInteger(0, 10); left > 0; left--)
            Clutter(random, pen, w, h);
        return image;
    }

    // [H,W,3]. Values are rounded to float32 where the reference script does so: the clouds are float32, their sum is float64.
    private static double[] Clouds(SeededRandom random, int w, int h)
    {
        var values = new double[h * w * 3];
        var colour = random.NextColour(20, 235);
        for (var i = 0; i < values.Length; i += 3)
            (values[i], values[i + 1], values[i + 2]) = (colour.R, colour.G, colour.B);

        for (var octave = 0; octave < Octaves; octave++)
        {
            var side = (2 << octave) + 1;
            var field = new float[side * side * 3];
            for (var i = 0; i < field.Length; i++)
                field[i] = (float)random.NextUniform(-1, 1);
            var strength = (float)random.NextUniform(5, 45);
            var cloud = BicubicField.Enlarge(field, side, side, 3, h, w);
            for (var i = 0; i < cloud.Length; i++)
                values[i] += cloud[i] * strength / (octave + 1);
        }
        return values;
    }

    private static void Clutter(SeededRandom random, SpanRaster pen, int w, int h)
    {
        var (x, y) = (random.NextUniform(0, w), random.NextUniform(0, h));
        var length = random.NextUniform(10, w / 2.0);
        var angle = random.NextUniform(0, 6.28);
        pen.SetInk((byte)random.NextInteger(0, 256), (byte)random.NextInteger(0, 256), (byte)random.NextInteger(0, 256));
        var from = ((int)x, (int)y);
        if (random.NextUnit() < 0.6)
        {
            var to = ((int)(x + length * Math.Cos(angle)), (int)(y + length * Math.Sin(angle)));
            var width = random.NextInteger(1, 5);
            if (width == 1)
                ThinLine.Draw(pen, from, to);
            else
                PolygonFill.DrawLine(pen, from, to, width);
        }
        else
        {
            var (right, bottom) = ((int)(x + length), (int)(y + length * random.NextUniform(0.3, 1)));
            var (start, end) = ((float)random.NextUniform(0, 180), (float)random.NextUniform(180, 360));
            EllipseSpans.DrawArc(pen, from.Item1, from.Item2, right, bottom, start, end, random.NextInteger(1, 4));
        }
    }
}
