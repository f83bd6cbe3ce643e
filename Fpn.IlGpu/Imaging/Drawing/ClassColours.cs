namespace Fpn.IlGpu.Imaging;

/// <summary>
/// A colour for every class. Each hue is the golden angle from the one before, so that neighbours in the list are far apart
/// and no hue repeats; lightness alternates, to distinguish similar hues. The colours are made in OKLCH, where equal steps
/// look equal (Ottosson, "A perceptual color space for image processing", 2020).
/// </summary>
internal static class ClassColours
{
    private const double GoldenAngle = 137.50776405;
    private const double FirstHue = 145;
    private static readonly double[] Lightness = [0.76, 0.63, 0.88];

    public static Rgb Of(int index)
    {
        // Unsigned, so that -1 ("no class") has a colour too.
        var i = (uint)index;
        var hue = (FirstHue + (GoldenAngle * i)) % 360 * (Math.PI / 180);
        var lightness = Lightness[i % 3];

        // Starts with the most vivid colour, and reduces the chroma until the screen can show it.
        for (var chroma = 0.25; ; chroma -= 0.005)
        {
            if (TryConvert(lightness, chroma * Math.Cos(hue), chroma * Math.Sin(hue), out var colour))
                return colour;
        }
    }

    /// <summary>Black or white, whichever contrasts more (WCAG 2.2, relative luminance).</summary>
    public static Rgb TextOn(Rgb colour)
    {
        var luminance =
            (0.2126 * Linear(colour.R)) + (0.7152 * Linear(colour.G)) + (0.0722 * Linear(colour.B));

        // (L + 0.05) / 0.05 against black equals 1.05 / (L + 0.05) against white here.
        return luminance > 0.179 ? Rgb.Black : Rgb.White;
    }

    private static bool TryConvert(double lightness, double a, double b, out Rgb colour)
    {
        var l = Cube(lightness + (0.3963377774 * a) + (0.2158037573 * b));
        var m = Cube(lightness - (0.1055613458 * a) - (0.0638541728 * b));
        var s = Cube(lightness - (0.0894841775 * a) - (1.2914855480 * b));
        var red = (4.0767416621 * l) - (3.3077115913 * m) + (0.2309699292 * s);
        var green = (-1.2684380046 * l) + (2.6097574011 * m) - (0.3413193965 * s);
        var blue = (-0.0041960863 * l) - (0.7034186147 * m) + (1.7076147010 * s);
        colour = new(Encode(red), Encode(green), Encode(blue));
        return Math.Min(red, Math.Min(green, blue)) >= 0 && Math.Max(red, Math.Max(green, blue)) <= 1;
    }

    private static double Cube(double value) => value * value * value;

    private static byte Encode(double linear)
    {
        linear = Math.Clamp(linear, 0, 1);
        var encoded = linear <= 0.0031308 ? 12.92 * linear : (1.055 * Math.Pow(linear, 1 / 2.4)) - 0.055;
        return (byte)Math.Round(encoded * 255);
    }

    private static double Linear(byte encoded)
    {
        var value = encoded / 255.0;
        return value <= 0.04045 ? value / 12.92 : Math.Pow((value + 0.055) / 1.055, 2.4);
    }
}
