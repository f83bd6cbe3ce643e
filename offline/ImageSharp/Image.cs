using System.Runtime.InteropServices;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.PixelFormats;

namespace SixLabors.ImageSharp;

internal readonly record struct Size(int Width, int Height);

internal sealed class ImageInfo(Size size)
{
    public int Width => size.Width;

    public int Height => size.Height;
}

/// <summary>A picture in memory, and the ways to get one.</summary>
internal abstract class Image : IDisposable
{
    public abstract int Width { get; }

    public abstract int Height { get; }

    public static ImageInfo Identify(DecoderOptions options, Stream stream)
    {
        ReadOnlyMemory<byte> data = ReadAll(stream);
        return Find(options, data).Identify(data);
    }

    public static Image<TPixel> Load<TPixel>(DecoderOptions options, Stream stream)
        where TPixel : unmanaged, IPixel<TPixel>
    {
        ReadOnlyMemory<byte> data = ReadAll(stream);
        return (Image<TPixel>)(object)Find(options, data).Decode(data);
    }

    public static Image<TPixel> LoadPixelData<TPixel>(
        Configuration configuration, ReadOnlySpan<byte> data, int width, int height)
        where TPixel : unmanaged, IPixel<TPixel>
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return new(MemoryMarshal.Cast<byte, TPixel>(data)[..Area(width, height)].ToArray(), width, height);
    }

    public abstract void Save(Stream stream, IImageEncoder encoder);

    // The package's pictures give buffers back here; these are plain arrays.
    public void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Pixels of a picture of this size; refuses one that no array could hold.</summary>
    internal static int Area(int width, int height) =>
        (long)width * height <= Array.MaxLength / 3
            ? width * height
            : throw new InvalidImageContentException($"a picture of {width} x {height} px is too large to hold");

    private static IImageDecoder Find(DecoderOptions options, ReadOnlyMemory<byte> data)
    {
        foreach (IImageDecoder decoder in options.Configuration.Decoders)
        {
            if (decoder.Recognises(data.Span))
            {
                return decoder;
            }
        }

        throw new UnknownImageFormatException("the bytes are of no picture format that can be read");
    }

    private static ReadOnlyMemory<byte> ReadAll(Stream stream)
    {
        if (stream is MemoryStream memory && memory.TryGetBuffer(out ArraySegment<byte> segment))
        {
            return segment.AsMemory((int)memory.Position);
        }

        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.GetBuffer().AsMemory(0, (int)copy.Length);
    }
}

internal sealed class Image<TPixel>(TPixel[] pixels, int width, int height) : Image
    where TPixel : unmanaged, IPixel<TPixel>
{
    private TPixel[] pixels = pixels;
    private int width = width;
    private int height = height;

    public override int Width => width;

    public override int Height => height;

    /// <summary>How the camera was held, 1 to 8 as in EXIF; 1 is upright.</summary>
    internal int Orientation { get; set; } = 1;

    /// <summary>Row after row, top to bottom.</summary>
    internal Span<TPixel> Pixels => pixels;

    public void CopyPixelDataTo(Span<byte> destination) => MemoryMarshal.AsBytes(Pixels).CopyTo(destination);

    public override void Save(Stream stream, IImageEncoder encoder) =>
        encoder.Encode((Image<Rgb24>)(object)this, stream);

    internal void Replace(TPixel[] newPixels, int newWidth, int newHeight) =>
        (pixels, width, height) = (newPixels, newWidth, newHeight);
}
