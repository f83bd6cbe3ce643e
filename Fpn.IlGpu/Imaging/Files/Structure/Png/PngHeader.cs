using System.Buffers.Binary;

namespace Fpn.IlGpu.Imaging;

/// <summary>What the chunk IHDR of a PNG says (PNG specification, section 11.2.2).</summary>
/// <param name="Width">Width in px.</param>
/// <param name="Height">Height in px.</param>
/// <param name="Depth">Bits a sample.</param>
/// <param name="Colour">Which samples a pixel has.</param>
/// <param name="IsInterlaced">Whether the pixels come in the seven passes of Adam7.</param>
internal readonly record struct PngHeader(int Width, int Height, int Depth, PngColour Colour, bool IsInterlaced)
{
    /// <summary>Bytes of the chunk's data.</summary>
    public const int Length = 13;

    public int BitsPerPixel => Depth * Colour switch
    {
        PngColour.Rgb => 3,
        PngColour.GreyAlpha => 2,
        PngColour.RgbAlpha => 4,
        _ => 1,
    };

    /// <summary>Bytes of all rows, each with the byte that names its filter.</summary>
    public long FilteredBytes
    {
        get
        {
            if (!IsInterlaced)
                return FilteredBytesOf(Width, Height);
            var sum = 0L;
            foreach (var pass in Adam7.Passes)
                sum += FilteredBytesOf(pass.WidthIn(this), pass.HeightIn(this));
            return sum;
        }
    }

    /// <summary>Bytes of a row of so many pixels, without the byte that names its filter.</summary>
    public long RowBytes(int pixels) => (((long)pixels * BitsPerPixel) + 7) / 8;

    /// <exception cref="PictureRefusal">The specification allows no such header.</exception>
    public static PngHeader Parse(ReadOnlySpan<byte> data)
    {
        if (data.Length != Length)
            throw Damaged();
        var width = BinaryPrimitives.ReadInt32BigEndian(data);
        var height = BinaryPrimitives.ReadInt32BigEndian(data[4..]);
        var (depth, colour) = (data[8], (PngColour)data[9]);
        var isKnown = colour switch
        {
            PngColour.Grey => depth is 1 or 2 or 4 or 8 or 16,
            PngColour.Palette => depth is 1 or 2 or 4 or 8,
            PngColour.Rgb or PngColour.GreyAlpha or PngColour.RgbAlpha => depth is 8 or 16,
            _ => false,
        };
        // Compression and filtering are known in one way each, interlacing in two.
        if (width <= 0 || height <= 0 || !isKnown || data[10] != 0 || data[11] != 0 || data[12] > 1)
            throw Damaged();
        return new PngHeader(width, height, depth, colour, IsInterlaced: data[12] == 1);
    }

    public void Write(Span<byte> data)
    {
        BinaryPrimitives.WriteInt32BigEndian(data, Width);
        BinaryPrimitives.WriteInt32BigEndian(data[4..], Height);
        data[8] = (byte)Depth;
        data[9] = (byte)Colour;
        data[10] = data[11] = 0;
        data[12] = IsInterlaced ? (byte)1 : (byte)0;
    }

    private long FilteredBytesOf(int width, int height) => width == 0 ? 0 : height * (1 + RowBytes(width));

    private static PictureRefusal Damaged() => PictureRefusal.Damaged("is a PNG with a header that PNG does not allow");
}

/// <summary>Which samples a pixel of a PNG has.</summary>
internal enum PngColour
{
    Grey = 0,
    Rgb = 2,
    Palette = 3,
    GreyAlpha = 4,
    RgbAlpha = 6,
}
