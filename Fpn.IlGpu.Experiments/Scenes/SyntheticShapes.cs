using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>
/// Synthetic pictures of shapes at many scales, to train and test detectors without a data set. A picture has up to ten shaded, rotated
/// and hardly overlapping shapes of seven classes, with sizes uniform in the logarithm, on clouds and clutter that belong to no class.
/// Some pictures are blurred, and all have noise. A seed always gives the same picture, identical to that of the tests' Python script
/// shapes.py (NumPy's generator, Pillow 9.4's drawing) in every pixel.
/// May be used from several threads at the same time.
/// </summary>
public static class SyntheticShapes
{
    private const int Attempts = 30;
    private const int SmallestBoxPx = 6;
    private const double LargestOverlap = 0.15;
    private const double LeastContrast = 150;

    /// <summary>The class names; <see cref="SyntheticShape.ClassIndex"/> is an index into this list.</summary>
    public static IReadOnlyList<string> Classes { get; } = ["circle", "square", "triangle", "star", "ring", "cross", "hexagon"];

    /// <summary>The classes as categories, with ids from 1.</summary>
    public static IReadOnlyList<AnnotatedCategory> Categories { get; } =
        [.. Classes.Select((name, i) => new AnnotatedCategory(i + 1, name))];

    /// <summary>Draws the picture of a seed.</summary>
    /// <param name="seed">The seed; any number.</param>
    /// <param name="width">The width, in px, at least 21.</param>
    /// <param name="height">The height, in px, at least 1.</param>
    /// <param name="options">The sizes and number of the shapes; null for the defaults.</param>
    /// <returns>The picture and its shapes; there may be none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A side is too short, or an option is out of range.</exception>
    public static SyntheticScene Scene(ulong seed, int width = 320, int height = 320, SyntheticShapesOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 21);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        options ??= new SyntheticShapesOptions();
        options.Check();

        var random = new SeededRandom(seed);
        var image = SceneBackground.Draw(random, width, height);
        var behind = (byte[])image.Pixels.Clone();
        var mask = new ShapeMask(width, height);
        var shapes = new List<SyntheticShape>();
        var masks = new List<ObjectMask>();
        foreach (var size in Sizes(random, options))
        {
            for (var attempt = 0; attempt < Attempts; attempt++)
            {
                if (Place(random, image, behind, mask, shapes, size) is not { } shape)
                    continue;
                shapes.Add(shape);
                masks.Add(mask.WellCovered(shape.X1, shape.Y1, shape.X2, shape.Y2));
                break;
            }
        }
        if (random.NextUnit() < 0.3)
            SoftBlur.Apply(image, (float)random.NextUniform(0, 1));
        AddNoise(random, image);
        return new SyntheticScene(image, shapes, masks);
    }

    // Largest first, so that large shapes do not cover small ones.
    private static double[] Sizes(SeededRandom random, SyntheticShapesOptions options)
    {
        var sizes = new double[random.NextInteger(1, options.MostShapes + 1)];
        var (least, most) = (Math.Log(options.SmallestPx), Math.Log(options.LargestPx));
        for (var i = 0; i < sizes.Length; i++)
            sizes[i] = Math.Exp(random.NextUniform(least, most));
        Array.Sort(sizes);
        Array.Reverse(sizes);
        return sizes;
    }

    private static SyntheticShape? Place(
        SeededRandom random, RgbImage image, byte[] behind, ShapeMask mask, List<SyntheticShape> others, double size)
    {
        var (w, h) = (image.Width, image.Height);
        var kind = random.NextInteger(0, Classes.Count);
        var r = size / 2;
        var cx = w > 2 * r ? random.NextUniform(r * 0.9, w - r * 0.9) : w / 2.0;
        var cy = h > 2 * r ? random.NextUniform(r * 0.9, h - r * 0.9) : h / 2.0;
        var angle = random.NextUniform(0, 6.28);
        if (mask.Draw(kind, cx, cy, r, angle) is not var (x1, y1, x2, y2)
            || x2 - x1 < SmallestBoxPx || y2 - y1 < SmallestBoxPx)
        {
            return null;
        }

        var shape = new SyntheticShape(kind, x1, y1, x2, y2);
        if (others.Exists(other => shape.PartInside(other) > LargestOverlap))
            return null;

        var local = ((int)cy % h * w + (int)cx % w) * 3;
        var colour = random.NextColour(0, 255);
        for (var i = 0; i < 20 && Contrast(colour, behind.AsSpan(local, 3)) <= LeastContrast; i++)
            colour = random.NextColour(0, 255);
        Paint(image, mask, colour, random.NextUniform(-25, 25), random.NextUniform(-25, 25));
        return shape;
    }

    private static double Contrast(Colour colour, ReadOnlySpan<byte> other)
        => Math.Abs(colour.R - other[0]) + Math.Abs(colour.G - other[1]) + Math.Abs(colour.B - other[2]);

    // The shade varies from −shadeX to shadeX along x and from −shadeY to shadeY along y, from side to side of the picture.
    private static void Paint(RgbImage image, ShapeMask mask, Colour colour, double shadeX, double shadeY)
    {
        for (var y = mask.Rows.First; y < mask.Rows.End; y++)
        {
            var shadeOfRow = FromSideToSide(y, image.Height) * shadeY;
            for (var x = 0; x < image.Width; x++)
            {
                var i = y * image.Width + x;
                if (mask.Cover[i] == 0)
                    continue;
                var cover = mask.Cover[i] / 255f;
                var shade = FromSideToSide(x, image.Width) * shadeX + shadeOfRow;
                for (var c = 0; c < 3; c++)
                {
                    // In the reference script the picture's term is float32 and the shape's float64.
                    var value = image.Pixels[i * 3 + c] * (1 - cover) + (colour[c] + shade) * cover;
                    image.Pixels[i * 3 + c] = (byte)Math.Clamp(value, 0, 255);
                }
            }
        }
    }

    // Runs from −1 to 1, both included; −1 if there is only one.
    private static double FromSideToSide(int i, int count) => i == 0 ? -1 : i == count - 1 ? 1 : i * (2.0 / (count - 1)) - 1;

    private static void AddNoise(SeededRandom random, RgbImage image)
    {
        var deviation = random.NextUniform(0, 8);
        for (var i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)Math.Clamp(image.Pixels[i] + deviation * NormalNoise.Next(random), 0, 255);
    }
}
