using System.Runtime.InteropServices;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Metadata.Profiles.Exif;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Reads JPEG, PNG, BMP and WebP pictures. May be used from several threads at once.
/// </summary>
/// <remarks>
/// <para>What comes out: the EXIF orientation of JPEG, PNG and WebP is applied, unless it is to be ignored; alpha is
/// dropped, not composited, as in the pipelines that detectors are trained with; 16-bit samples are rounded to 8 bits; grey, palette and CMYK become
/// RGB; colour profiles are ignored. Of an animated WebP, the first frame is read.</para>
/// <para>What is refused, in a sentence: files that are cut short, have fewer rows than they claim, contradict
/// themselves, or ask for more than <see cref="PictureLimits"/> allows; JPEGs with arithmetic, lossless or hierarchical
/// coding, or with too many scans for their size; animations whose first frame is only a part of the picture.</para>
/// <para>What stays unseen: damage inside the coded pixels of a JPEG or a lossy WebP that leaves their structure whole.
/// These formats have no checksum: from the damaged place on, the picture is wrong, without a word. Damage to the
/// pixels of a PNG is found by its checksum; BMP has neither structure nor checksum among its pixels.</para>
/// </remarks>
public static class PictureReader
{
    private const int BlockBytes = 1 << 16;

    /// <summary>Reads a file.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="limits">What it may ask for; null for the defaults.</param>
    /// <param name="exif">Whether to turn the picture as its EXIF data say.</param>
    /// <returns>The picture, upright unless EXIF data are ignored.</returns>
    /// <exception cref="PictureException">There is no such file, it can't be read, it is no picture, it is damaged or cut
    /// short, or it exceeds the limits.</exception>
    public static RgbImage Read(string path, PictureLimits? limits = null, ExifUse exif = ExifUse.Apply)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var stream = Open(path);
        return Read(stream, $"'{path}'", limits, picture => Decode(picture, exif));
    }

    /// <summary>
    /// Reads from the stream's position on, to its end; the stream need not be seekable and is left open.
    /// </summary>
    /// <param name="stream">The encoded picture.</param>
    /// <param name="limits">What it may ask for; null for the defaults.</param>
    /// <returns>The picture, upright.</returns>
    /// <exception cref="PictureException">The stream can't be read, holds no picture, holds one that is damaged or cut
    /// short, or exceeds the limits.</exception>
    public static RgbImage Read(Stream stream, PictureLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Read(stream, stream is FileStream file ? $"'{file.Name}'" : "The stream", limits, picture => Decode(picture, ExifUse.Apply));
    }

    /// <summary>
    /// Reads from the stream's position on, to its end, without blocking a thread: also from streams that refuse synchronous calls, such as
    /// the body of a request. The stream need not be seekable and is left open.
    /// </summary>
    /// <param name="stream">The encoded picture.</param>
    /// <param name="limits">What it may ask for; null for the defaults.</param>
    /// <param name="cancellation">Checked while the stream is read, and before decoding.</param>
    /// <returns>The picture, upright.</returns>
    /// <exception cref="PictureException">As for <see cref="Read(Stream, PictureLimits?)"/>.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public static async Task<RgbImage> ReadAsync(Stream stream, PictureLimits? limits = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        limits ??= new PictureLimits();
        var name = stream is FileStream file ? $"'{file.Name}'" : "The stream";
        var incoming = new IncomingPicture(name, limits);
        try
        {
            var start = new byte[PictureKinds.SignatureLength];
            incoming.Begin(start.AsSpan(0, await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false)), stream);
            var block = new byte[BlockBytes];
            for (int count; (count = await stream.ReadAsync(block, cancellation).ConfigureAwait(false)) > 0;)
                incoming.Add(block.AsSpan(0, count));
        }
        catch (IOException e)
        {
            throw new PictureException($"{name} could not be read: {Reason(e)}.", e);
        }
        // Decoding takes milliseconds of a processor: not on the caller's thread, which may be that of a window.
        return await Task.Run(
            () => Guarded(incoming.Bytes, incoming.Kind, name, limits, picture => Decode(picture, ExifUse.Apply)), cancellation)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// Checks a file's structure, as <see cref="Read(string, PictureLimits?, ExifUse)"/> does before it decodes, and returns its size.
    /// </summary>
    /// <param name="path">Where it is.</param>
    /// <param name="limits">What it may ask for; null for the defaults.</param>
    /// <exception cref="PictureException">As for reading, as far as the structure shows it.</exception>
    public static PictureSize SizeOf(string path, PictureLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var stream = Open(path);
        return Read(stream, $"'{path}'", limits, static picture =>
        {
            MemoryMarshal.TryGetArray(picture.File, out var file);
            var info = Image.Identify(PictureCodecs.Configuration, new MemoryStream(file.Array!, file.Offset, file.Count, writable: false))
                ?? throw new InvalidImageContentException("it has no header");
            return new PictureSize(info.Width, info.Height, picture.Orientation);
        });
    }

    private static FileStream Open(string path)
    {
        if (Directory.Exists(path))
            throw new PictureException($"'{path}' is a folder; give the pictures in it.");
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new PictureException($"There is no file '{path}'; check its name and folder.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new PictureException($"'{path}' may not be read; check its permissions.", e);
        }
        catch (IOException e)
        {
            throw new PictureException($"'{path}' could not be opened: {Reason(e)}.", e);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new PictureException($"'{path}' is no valid file name.", e);
        }
    }

    private static T Read<T>(Stream stream, string name, PictureLimits? limits, Func<CheckedPicture, T> read)
    {
        limits ??= new PictureLimits();
        var incoming = new IncomingPicture(name, limits);
        try
        {
            Span<byte> start = stackalloc byte[PictureKinds.SignatureLength];
            incoming.Begin(start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)], stream);
            var block = new byte[BlockBytes];
            for (int count; (count = stream.Read(block)) > 0;)
                incoming.Add(block.AsSpan(0, count));
        }
        catch (IOException e)
        {
            throw new PictureException($"{name} could not be read: {Reason(e)}.", e);
        }
        return Guarded(incoming.Bytes, incoming.Kind, name, limits, read);
    }

    private static RgbImage Decode(CheckedPicture picture, ExifUse exif)
    {
        using var image = Image.Load<Rgb24>(PictureCodecs.Configuration, picture.File.Span);
        if (exif == ExifUse.Apply)
            TurnUpright(image, picture.Orientation);
        var result = new RgbImage(image.Width, image.Height);
        image.CopyPixelDataTo(result.Pixels);
        return result;
    }

    private static T Guarded<T>(
        ReadOnlyMemory<byte> file, PictureKind kind, string name, PictureLimits limits, Func<CheckedPicture, T> read)
    {
        try
        {
            return read(Check(file, kind, limits));
        }
        catch (PictureRefusal e)
        {
            throw new PictureException($"{name} {e.Message}.", e);
        }
        catch (Exception e) when (e is UnknownImageFormatException or NotSupportedException)
        {
            throw new PictureException(
                $"{name} is a {kind.DisplayName()} picture of a kind that can't be read ({Reason(e)}); "
                + "convert it to plain JPEG or PNG.",
                e);
        }
        catch (Exception e) when (e is not (OutOfMemoryException or TypeInitializationException or FileNotFoundException or FileLoadException))
        {
            // Damaged bytes lead decoders into exceptions of every kind, not only those they declare.
            throw new PictureException(
                $"{name} is a damaged {kind.DisplayName()} picture ({Reason(e)}); copy or export it again.", e);
        }
    }

    private static CheckedPicture Check(ReadOnlyMemory<byte> file, PictureKind kind, PictureLimits limits) => kind switch
    {
        PictureKind.Jpeg => JpegStructure.Check(file, limits),
        PictureKind.Png => PngStructure.Check(file, limits),
        PictureKind.Bmp => BmpStructure.Check(file, limits),
        PictureKind.WebP => WebPStructure.Check(file, limits),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such pictures are read."),
    };

    private static void TurnUpright(Image image, int orientation)
    {
        if (orientation == ExifOrientation.Upright)
            return;
        image.Metadata.ExifProfile = new ExifProfile();
        image.Metadata.ExifProfile.SetValue(ExifTag.Orientation, (ushort)orientation);
        image.Mutate(static context => context.AutoOrient());
    }

    private static string Reason(Exception e) => e.Message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
