using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// The formats that are read and written: not all that ImageSharp knows, as each is a way in for hostile files.
/// </summary>
internal static class PictureCodecs
{
    public static Configuration Configuration { get; } = new(
        new JpegConfigurationModule(),
        new PngConfigurationModule(),
        new BmpConfigurationModule(),
        new WebpConfigurationModule());

    public static IImageEncoder Encoder(PictureFormat format) => format switch
    {
        PictureFormat.Png => new PngEncoder(),
        PictureFormat.Jpeg => new JpegEncoder { Quality = 92, ColorType = JpegColorType.YCbCrRatio444 },
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Pictures are written as PNG or JPEG."),
    };
}
