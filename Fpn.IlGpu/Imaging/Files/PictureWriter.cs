using Fpn.IlGpu.Files;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace Fpn.IlGpu.Imaging;

/// <summary>Writes pictures as PNG or JPEG. May be used from several threads at once.</summary>
public static class PictureWriter
{
    /// <summary>Writes a file, replacing one that is there. A file that exists afterwards is whole.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="path">Where to; .png, .jpg or .jpeg decides the format. The folder must exist.</param>
    /// <exception cref="PictureException">The name ends differently, or the file can't be written there.</exception>
    public static void Write(RgbImage image, string path)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(path);
        var format = FormatOf(path);
        CheckSize(image, format, path);
        if (Directory.Exists(path))
            throw new PictureException($"'{path}' is a folder; give the name of a file.");
        try
        {
            using var file = UnfinishedFile.Create(path);
            Encode(image, file.Stream, format);
            file.Complete();
        }
        catch (DirectoryNotFoundException e)
        {
            throw new PictureException($"'{path}' can't be written: its folder does not exist; create it first.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new PictureException($"'{path}' may not be written; check the permissions of its folder.", e);
        }
        catch (ArgumentException e)
        {
            throw new PictureException($"'{path}' is no valid file name.", e);
        }
        catch (Exception e) when (e is IOException or NotSupportedException)
        {
            throw new PictureException($"'{path}' could not be written: {e.Message.TrimEnd('.')}.", e);
        }
    }

    /// <summary>Writes to a stream, which is left open.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="stream">Where to.</param>
    /// <param name="format">How.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="format"/> is no format.</exception>
    /// <exception cref="PictureException">The picture is too large for JPEG (65 535 px a side), or the stream
    /// failed.</exception>
    public static void Write(RgbImage image, Stream stream, PictureFormat format)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(stream);
        CheckSize(image, format, path: null);
        try
        {
            Encode(image, stream, format);
        }
        catch (IOException e)
        {
            throw new PictureException($"The picture could not be written to the stream: {e.Message.TrimEnd('.')}.", e);
        }
    }

    private static PictureFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".PNG" => PictureFormat.Png,
        ".JPG" or ".JPEG" => PictureFormat.Jpeg,
        _ => throw new PictureException($"'{path}' can't be written: its name must end in .png, .jpg or .jpeg."),
    };

    private static void CheckSize(RgbImage image, PictureFormat format, string? path)
    {
        if (format == PictureFormat.Jpeg && Math.Max(image.Width, image.Height) > ushort.MaxValue)
        {
            var name = path is null ? "The picture" : $"'{path}'";
            throw new PictureException(
                $"{name} can't be written: {image.Width} x {image.Height} px is too large for JPEG; use PNG.");
        }
    }

    private static void Encode(RgbImage image, Stream stream, PictureFormat format)
    {
        using var encodable =
            Image.LoadPixelData<Rgb24>(PictureCodecs.Configuration, image.Pixels, image.Width, image.Height);
        encodable.Save(stream, PictureCodecs.Encoder(format));
    }
}
