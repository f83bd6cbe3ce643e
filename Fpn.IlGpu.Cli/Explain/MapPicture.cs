using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;

using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;
using SixLabors.ImageSharp.Processing.Processors.Quantization;

namespace Fpn.IlGpu.Cli;

/// <summary>One channel of a map as a PNG of 64 colours, within a data URI.</summary>
internal static class MapPicture
{
    private const int Colours = 64;

    // Dark violet over green to yellow: its lightness grows evenly, also without colour vision.
    private static readonly Rgb24[] Sequential = Scale([(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)]);
    private static readonly Rgb24[] Diverging = Scale([(5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31)]);

    /// <summary>Values from 0 to a maximum.</summary>
    public static string FromZero(TracedMap map, Func<int, int, float> value, float most)
        => Draw(map.Width, map.Height, (y, x) => value(y, x) / most, Sequential);

    /// <summary>Values of both signs, up to a magnitude; 0 is white.</summary>
    public static string AroundZero(TracedMap map, int channel, float most)
        => Draw(map.Width, map.Height, (y, x) => map[y, x, channel] / most / 2 + 0.5f, Diverging);

    /// <summary>The colours of <see cref="FromZero"/>, as a strip.</summary>
    public static string SequentialScale => Draw(Colours, 1, (_, x) => (x + 0.5f) / Colours, Sequential);

    /// <summary>The colours of <see cref="AroundZero"/>, as a strip.</summary>
    public static string DivergingScale => Draw(Colours, 1, (_, x) => (x + 0.5f) / Colours, Diverging);

    /// <summary>A picture as PNG, or as JPEG where that is much smaller.</summary>
    public static string Photograph(RgbImage image)
    {
        const int LargestPng = 150_000;
        using var png = new MemoryStream();
        PictureWriter.Write(image, png, PictureFormat.Png);
        if (png.Length <= LargestPng)
            return Uri("png", png);
        using var jpeg = new MemoryStream();
        PictureWriter.Write(image, jpeg, PictureFormat.Jpeg);
        return Uri("jpeg", jpeg);
    }

    /// <summary>A picture as a JPEG whose sides are at most so long.</summary>
    public static string Thumbnail(RgbImage picture, int side)
    {
        using var image = Image.LoadPixelData<Rgb24>(PictureCodecs.Configuration, picture.Pixels, picture.Width, picture.Height);
        if (Math.Max(picture.Width, picture.Height) > side)
            image.Mutate(context => context.Resize(new ResizeOptions { Mode = ResizeMode.Max, Size = new Size(side, side) }));
        using var jpeg = new MemoryStream();
        image.SaveAsJpeg(jpeg);
        return Uri("jpeg", jpeg);
    }

    private static string Draw(int width, int height, Func<int, int, float> part, Rgb24[] scale)
    {
        using var image = new Image<Rgb24>(PictureCodecs.Configuration, width, height);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                image[x, y] = scale[(int)Math.Clamp(part(y, x) * Colours, 0, Colours - 1)];
        }
        using var stream = new MemoryStream();
        image.Save(stream, new PngEncoder
        {
            ColorType = PngColorType.Palette,
            BitDepth = PngBitDepth.Bit8,
            CompressionLevel = PngCompressionLevel.BestCompression,
            IgnoreMetadata = true,
            Quantizer = new PaletteQuantizer(Array.ConvertAll(scale, colour => (Color)colour), new QuantizerOptions { Dither = null }),
        });
        return Uri("png", stream);
    }

    private static string Uri(string format, MemoryStream stream) => $"data:image/{format};base64,{Convert.ToBase64String(stream.ToArray())}";

    private static Rgb24[] Scale((byte R, byte G, byte B)[] stops)
    {
        var colours = new Rgb24[Colours];
        for (var i = 0; i < Colours; i++)
        {
            var at = i * (stops.Length - 1f) / (Colours - 1);
            var from = Math.Min((int)at, stops.Length - 2);
            var (a, b, mix) = (stops[from], stops[from + 1], at - from);
            colours[i] = new Rgb24(Mix(a.R, b.R), Mix(a.G, b.G), Mix(a.B, b.B));

            byte Mix(byte low, byte high) => (byte)MathF.Round(low + (high - low) * mix);
        }
        return colours;
    }
}
