using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Changes the colours of training pictures at random, as RandomPhotometricDistort of torchvision's references does: brightness, then
/// contrast (before saturation and hue, or after them), saturation, hue, and the order of the channels. The formulas are those of
/// torchvision's tensors of bytes, where results are cut off to whole levels:
/// <code>
/// blend(a, b, f) = ⌊clamp(f·a + (1 − f)·b, 0, 255)⌋
/// grey = ⌊0.2989·R + 0.587·G + 0.114·B⌋
/// brightness: blend(level, 0, f)    contrast: blend(level, mean of grey, f)    saturation: blend(level, grey, f)
/// hue: H of HSV, in turns, becomes (H + f) mod 1
/// </code>
/// </summary>
public sealed record PhotometricDistort
{
    private const int Levels = 256;
    private const int Chances = 7;

    /// <summary>The probability of each of the changes, 0…1.</summary>
    public double Probability { get; init; } = 0.5;

    /// <summary>The range of the factor of brightness.</summary>
    public double[] Brightness { get; init; } = [0.875, 1.125];

    /// <summary>The range of the factor of contrast.</summary>
    public double[] Contrast { get; init; } = [0.5, 1.5];

    /// <summary>The range of the factor of saturation.</summary>
    public double[] Saturation { get; init; } = [0.5, 1.5];

    /// <summary>The range by which the hue is turned, in turns: −0.5…0.5.</summary>
    public double[] Hue { get; init; } = [-0.05, 0.05];

    /// <summary>Whether the channels may change places.</summary>
    public bool SwapChannels { get; init; } = true;

    /// <summary>What is wrong with the values, as the end of a sentence; null if nothing is.</summary>
    internal string? Problem()
    {
        const string key = "'data.augment.photometric";
        if (!(Probability is >= 0 and <= 1))
            return $"{key}.probability' must be from 0 to 1";
        foreach (var (name, range) in new[] { ("brightness", Brightness), ("contrast", Contrast), ("saturation", Saturation) })
        {
            if (range is not [>= 0 and var low, <= 10 and var high] || !(low <= high))
                return $"{key}.{name}' takes two factors from 0 to 10, the smaller one first";
        }
        return Hue is [>= -0.5 and var least, <= 0.5 and var most] && least <= most
            ? null
            : $"{key}.hue' takes two turns from -0.5 to 0.5, the smaller one first";
    }

    /// <summary>Changes the picture itself.</summary>
    internal void Apply(RgbImage image, KeyedRandom random)
    {
        Span<double> chances = stackalloc double[Chances];
        foreach (ref var chance in chances)
            chance = random.NextUnit();
        var brightness = Between(Brightness, random.NextUnit());
        var contrast = Between(Contrast, random.NextUnit());
        var saturation = Between(Saturation, random.NextUnit());
        var hue = Between(Hue, random.NextUnit());
        var order = Order(ref random);

        if (chances[0] < Probability)
            ChangeBrightness(image, brightness);
        var contrastFirst = chances[1] < 0.5;
        if (contrastFirst && chances[2] < Probability)
            ChangeContrast(image, contrast);
        if (chances[3] < Probability)
            ChangeSaturation(image, saturation);
        if (chances[4] < Probability)
            TurnHue(image, hue);
        if (!contrastFirst && chances[5] < Probability)
            ChangeContrast(image, contrast);
        if (SwapChannels && chances[6] < Probability)
            Permute(image, order);
    }

    /// <summary>Multiplies all levels by a factor.</summary>
    internal static void ChangeBrightness(RgbImage image, double factor) => Map(image, level => Blend(level, 0, factor));

    /// <summary>Moves all levels away from the mean of the grey picture, or towards it.</summary>
    internal static void ChangeContrast(RgbImage image, double factor)
    {
        var pixels = image.Pixels;
        long sum = 0;
        for (var i = 0; i < pixels.Length; i += RgbImage.Channels)
            sum += Grey(pixels[i], pixels[i + 1], pixels[i + 2]);
        var mean = (float)((double)sum / (pixels.Length / RgbImage.Channels));
        Map(image, level => Blend(level, mean, factor));
    }

    /// <summary>Moves all pixels away from their grey, or towards it.</summary>
    internal static void ChangeSaturation(RgbImage image, double factor)
    {
        var pixels = image.Pixels;
        for (var i = 0; i < pixels.Length; i += RgbImage.Channels)
        {
            var grey = Grey(pixels[i], pixels[i + 1], pixels[i + 2]);
            for (var c = i; c < i + RgbImage.Channels; c++)
                pixels[c] = Blend(pixels[c], grey, factor);
        }
    }

    /// <summary>Turns the hue of all pixels.</summary>
    internal static void TurnHue(RgbImage image, double turns)
    {
        // Just below 256, so that 1 becomes 255.
        const float full = 256 - 1e-3f;
        var pixels = image.Pixels;
        for (var i = 0; i < pixels.Length; i += RgbImage.Channels)
        {
            var (r, g, b) = Turn(pixels[i] / 255f, pixels[i + 1] / 255f, pixels[i + 2] / 255f, (float)turns);
            (pixels[i], pixels[i + 1], pixels[i + 2]) = ((byte)(r * full), (byte)(g * full), (byte)(b * full));
        }
    }

    private static (float R, float G, float B) Turn(float r, float g, float b, float turns)
    {
        var value = Math.Max(r, Math.Max(g, b));
        var range = value - Math.Min(r, Math.Min(g, b));
        if (range == 0)
            return (value, value, value);
        var saturation = range / value;
        var (toR, toG, toB) = ((value - r) / range, (value - g) / range, (value - b) / range);
        var sixths = value == r ? toB - toG : value == g ? 2 + toR - toB : 4 + toG - toR;
        var hue = (sixths / 6 + 1) % 1 + turns;
        hue -= MathF.Floor(hue);
        var sextant = MathF.Floor(hue * 6);
        var fraction = hue * 6 - sextant;
        var low = Math.Clamp(value * (1 - saturation), 0, 1);
        var falling = Math.Clamp(value * (1 - saturation * fraction), 0, 1);
        var rising = Math.Clamp(value * (1 - saturation * (1 - fraction)), 0, 1);
        return ((int)sextant % 6) switch
        {
            0 => (value, rising, low),
            1 => (falling, value, low),
            2 => (low, value, rising),
            3 => (low, falling, value),
            4 => (rising, low, value),
            _ => (value, low, falling),
        };
    }

    private static void Permute(RgbImage image, ReadOnlySpan<int> order)
    {
        var pixels = image.Pixels;
        for (var i = 0; i < pixels.Length; i += RgbImage.Channels)
        {
            (pixels[i], pixels[i + 1], pixels[i + 2]) = (pixels[i + order[0]], pixels[i + order[1]], pixels[i + order[2]]);
        }
    }

    private static int[] Order(ref KeyedRandom random)
    {
        int[] order = [0, 1, 2];
        for (var i = order.Length - 1; i > 0; i--)
        {
            var j = random.NextBelow(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    private static void Map(RgbImage image, Func<int, byte> map)
    {
        Span<byte> table = stackalloc byte[Levels];
        for (var level = 0; level < Levels; level++)
            table[level] = map(level);
        foreach (ref var level in image.Pixels.AsSpan())
            level = table[level];
    }

    private static byte Grey(byte r, byte g, byte b) => (byte)(0.2989f * r + 0.587f * g + 0.114f * b);

    private static byte Blend(float level, float other, double factor)
        => (byte)Math.Clamp((float)factor * level + (float)(1 - factor) * other, 0, 255);

    private static double Between(double[] range, double share) => range[0] + share * (range[1] - range[0]);
}
