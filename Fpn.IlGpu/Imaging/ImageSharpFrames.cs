using System.Runtime.InteropServices;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace Fpn.IlGpu.Imaging;

/// <summary>Reads the pixels of ImageSharp's images.</summary>
internal static class ImageSharpFrames
{
    /// <summary>Calls a function with the pixels of an image: where they are if the image has them in one piece, or else a copy.</summary>
    /// <typeparam name="TPixel">Rgb24, Bgr24, Rgba32, Bgra32 or L8 are read as they are; others are converted to Rgb24.</typeparam>
    /// <typeparam name="TResult">What the function returns.</typeparam>
    public static TResult Read<TPixel, TResult>(Image<TPixel> image, PixelsReader<TResult> read)
        where TPixel : unmanaged, IPixel<TPixel>
    {
        if (FormatOf<TPixel>() is not { } format)
        {
            using var converted = image.CloneAs<Rgb24>();
            return Read(converted, read);
        }
        if (image.DangerousTryGetSinglePixelMemory(out var memory))
        {
            var result = read(MemoryMarshal.AsBytes(memory.Span), image.Width, image.Height, format);
            // The pixels are native memory, which the image's finalizer gives back: a span does not keep the image alive.
            GC.KeepAlive(image);
            return result;
        }
        var copy = new byte[checked(image.Width * image.Height * format.BytesPerPixel())];
        image.CopyPixelDataTo(copy);
        return read(copy, image.Width, image.Height, format);
    }

    private static PixelFormat? FormatOf<TPixel>()
        => typeof(TPixel) == typeof(Rgb24) ? PixelFormat.Rgb
            : typeof(TPixel) == typeof(Bgr24) ? PixelFormat.Bgr
            : typeof(TPixel) == typeof(Rgba32) ? PixelFormat.Rgba
            : typeof(TPixel) == typeof(Bgra32) ? PixelFormat.Bgra
            : typeof(TPixel) == typeof(L8) ? PixelFormat.Grey
            : null;
}

/// <summary>Receives the pixels of a picture, which are valid during the call.</summary>
/// <typeparam name="TResult">What it returns.</typeparam>
/// <param name="pixels">The bytes, without padding between rows.</param>
/// <param name="width">The width, in px.</param>
/// <param name="height">The height, in px.</param>
/// <param name="format">The order of the channels.</param>
internal delegate TResult PixelsReader<TResult>(ReadOnlySpan<byte> pixels, int width, int height, PixelFormat format);
