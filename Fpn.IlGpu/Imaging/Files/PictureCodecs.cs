using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.Memory;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// The formats that are read and written: not all that ImageSharp knows, as each is a way in for hostile files. The
/// advisories that were published against ImageSharp 2's TIFF, GIF, TGA and other decoders don't reach us, because none
/// of these is registered; those about colour profiles (ICC) and other metadata don't, because the guard
/// (<see cref="PngStructure"/> and its siblings) leaves them out of what a decoder gets.
/// </summary>
internal static class PictureCodecs
{
    public static Configuration Configuration { get; } = Create();

    public static IImageEncoder Encoder(PictureFormat format) => format switch
    {
        PictureFormat.Png => new PngEncoder(),
        PictureFormat.Jpeg => new JpegEncoder { Quality = 92, ColorType = JpegColorType.YCbCrRatio444 },
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Pictures are written as PNG or JPEG."),
    };

    private static Configuration Create()
    {
        var configuration = new Configuration(
            new JpegConfigurationModule(),
            new PngConfigurationModule(),
            new BmpConfigurationModule(),
            new WebpConfigurationModule());
        // No buffer of a picture that passes the guard is larger than the largest array.
        configuration.MemoryAllocator = MemoryAllocator.Create(new MemoryAllocatorOptions { AllocationLimitMegabytes = 2048 });
        return configuration;
    }
}
