namespace Fpn.IlGpu.Imaging;

/// <summary>
/// The pixels of a picture where they are, such as a camera's or a video's frame: nothing is copied on the host. Rows go from top to bottom
/// and may have padding after them.
/// <code>
/// var frame = new PixelFrame(buffer, width: 1280, height: 720, PixelFormat.Bgra, strideBytes: 5120);
/// var found = detector.Detect(frame);
/// </code>
/// </summary>
public readonly record struct PixelFrame
{
    /// <summary>Describes pixels in memory.</summary>
    /// <param name="pixels">The bytes, from the first row on; there may be more than the picture needs. They are not copied.</param>
    /// <param name="width">The width, in px, at least 1.</param>
    /// <param name="height">The height, in px, at least 1.</param>
    /// <param name="format">The order of the channels.</param>
    /// <param name="strideBytes">The distance of two rows, in bytes; 0 if there is no padding between them.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A size is less than 1, the format is unknown, a row does not fit into the stride, or the picture has 2 GiB or more.
    /// </exception>
    /// <exception cref="ArgumentException"><paramref name="pixels"/> is too short.</exception>
    public PixelFrame(ReadOnlyMemory<byte> pixels, int width, int height, PixelFormat format = PixelFormat.Rgb, int strideBytes = 0)
    {
        var (bytes, stride) = Measure(width, height, format, strideBytes);
        CheckLength(pixels.Length, bytes, width, height, format, nameof(pixels));
        (Pixels, Width, Height, Format, StrideBytes) = (pixels[..bytes], width, height, format, stride);
    }

    /// <summary>The bytes from the first pixel to the last.</summary>
    public ReadOnlyMemory<byte> Pixels { get; }

    /// <summary>The width, in px.</summary>
    public int Width { get; }

    /// <summary>The height, in px.</summary>
    public int Height { get; }

    /// <summary>The order of the channels.</summary>
    public PixelFormat Format { get; }

    /// <summary>The distance of two rows, in bytes.</summary>
    public int StrideBytes { get; }

    /// <summary>The pixels of a picture, which are not copied.</summary>
    public static implicit operator PixelFrame(RgbImage picture) => FromRgbImage(picture);

    /// <summary>The pixels of a picture, which are not copied.</summary>
    public static PixelFrame FromRgbImage(RgbImage picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return new PixelFrame(picture.Pixels, picture.Width, picture.Height);
    }

    /// <summary>Copies the frame to a picture in RGB, for example to draw on it.</summary>
    public RgbImage ToRgbImage()
    {
        if (Width == 0)
            throw new InvalidOperationException("The frame is default(PixelFrame), which has no pixels.");
        var picture = new RgbImage(Width, Height);
        var bytes = Format.BytesPerPixel();
        var (red, green, blue) = Format.Offsets();
        var target = picture.Pixels.AsSpan();
        for (var y = 0; y < Height; y++)
        {
            var row = Pixels.Span.Slice(y * StrideBytes, Width * bytes);
            for (var x = 0; x < Width; x++, target = target[3..])
            {
                var pixel = row[(x * bytes)..];
                (target[0], target[1], target[2]) = (pixel[red], pixel[green], pixel[blue]);
            }
        }
        return picture;
    }

    /// <summary>The bytes from a picture's first pixel to its last, and its stride.</summary>
    /// <exception cref="ArgumentOutOfRangeException">As for the constructor.</exception>
    internal static (int Bytes, int StrideBytes) Measure(int width, int height, PixelFormat format, int strideBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (!Enum.IsDefined(format))
            throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such format.");
        var row = (long)width * format.BytesPerPixel();
        var stride = strideBytes == 0 ? row : strideBytes;
        if (stride < row)
        {
            throw new ArgumentOutOfRangeException(
                nameof(strideBytes), strideBytes, $"A row of {width} px in {format} has {row} bytes, more than the stride.");
        }
        var bytes = (height - 1) * stride + row;
        return bytes <= Array.MaxLength
            ? ((int)bytes, (int)stride)
            : throw new ArgumentOutOfRangeException(nameof(height), height, $"A picture of {width} × {height} px in {format} is too large.");
    }

    /// <summary>Throws if there are fewer bytes than a picture has.</summary>
    /// <exception cref="ArgumentException">There are.</exception>
    internal static void CheckLength(int length, int bytes, int width, int height, PixelFormat format, string parameter)
    {
        if (length < bytes)
            throw new ArgumentException($"A picture of {width} × {height} px in {format} has {bytes} bytes, but there are {length}.", parameter);
    }
}

/// <summary>Where the channels of a pixel are.</summary>
internal static class PixelFormats
{
    /// <summary>The bytes of a pixel.</summary>
    public static int BytesPerPixel(this PixelFormat format) => format switch
    {
        PixelFormat.Grey => 1,
        PixelFormat.Rgba or PixelFormat.Bgra => 4,
        _ => 3,
    };

    /// <summary>The index of each channel in the bytes of a pixel.</summary>
    public static (int Red, int Green, int Blue) Offsets(this PixelFormat format) => format switch
    {
        PixelFormat.Grey => (0, 0, 0),
        PixelFormat.Bgr or PixelFormat.Bgra => (2, 1, 0),
        _ => (0, 1, 2),
    };
}
