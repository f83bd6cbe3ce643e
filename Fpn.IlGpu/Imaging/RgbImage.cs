namespace Fpn.IlGpu.Imaging;

/// <summary>A picture in host memory: 8-bit RGB, rows top to bottom.</summary>
public sealed class RgbImage
{
    /// <summary>Bytes per pixel: red, green, blue.</summary>
    public const int Channels = 3;

    /// <summary>Creates a black picture.</summary>
    /// <param name="width">Width in px, at least 1.</param>
    /// <param name="height">Height in px, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or there are too many pixels for an array.</exception>
    public RgbImage(int width, int height)
        : this(width, height, new byte[ByteCount(width, height)])
    {
    }

    /// <summary>Creates a picture from existing pixels; the array is kept, not copied.</summary>
    /// <param name="width">Width in px, at least 1.</param>
    /// <param name="height">Height in px, at least 1.</param>
    /// <param name="pixels">[H,W,3] RGB, exactly <c>height * width * 3</c> bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or there are too many pixels for an array.</exception>
    /// <exception cref="ArgumentException"><paramref name="pixels"/> has the wrong length.</exception>
    public RgbImage(int width, int height, byte[] pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        CheckLength(width, height, pixels.Length, nameof(pixels));
        Width = width;
        Height = height;
        Pixels = pixels;
    }

    /// <summary>Width in px.</summary>
    public int Width { get; }

    /// <summary>Height in px.</summary>
    public int Height { get; }

    /// <summary>[H,W,3] RGB, 8 bit, rows top to bottom.</summary>
    public byte[] Pixels { get; }

    /// <summary>Throws if the number of bytes does not fit the size.</summary>
    internal static void CheckLength(int width, int height, int bytes, string parameter)
    {
        if (bytes != ByteCount(width, height))
        {
            throw new ArgumentException(
                $"A picture of {width} × {height} px has {ByteCount(width, height)} bytes, not {bytes}.", parameter);
        }
    }

    private static int ByteCount(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)width * height, Array.MaxLength / Channels);
        return width * height * Channels;
    }
}
