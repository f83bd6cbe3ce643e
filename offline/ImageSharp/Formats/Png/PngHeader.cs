using System.Buffers.Binary;

namespace SixLabors.ImageSharp.Formats.Png;

internal enum PngColorType
{
    Grey = 0,
    Rgb = 2,
    Palette = 3,
    GreyWithAlpha = 4,
    Rgba = 6,
}

/// <summary>What the IHDR chunk says.</summary>
internal readonly record struct PngHeader(int Width, int Height, int BitDepth, PngColorType Color, bool Interlaced)
{
    public int BitsPerPixel => BitDepth * Color switch
    {
        PngColorType.Rgb => 3,
        PngColorType.GreyWithAlpha => 2,
        PngColorType.Rgba => 4,
        _ => 1,
    };

    /// <exception cref="InvalidImageContentException">The combination is none that PNG knows.</exception>
    public static PngHeader Parse(ReadOnlySpan<byte> data)
    {
        if (data.Length != 13)
        {
            throw new InvalidImageContentException("the header of the PNG has the wrong length");
        }

        uint width = BinaryPrimitives.ReadUInt32BigEndian(data);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
        if (width is 0 or > int.MaxValue || height is 0 or > int.MaxValue)
        {
            throw new InvalidImageContentException($"the PNG claims to be {width} x {height} px");
        }

        int depth = data[8];
        bool known = (PngColorType)data[9] switch
        {
            PngColorType.Grey => depth is 1 or 2 or 4 or 8 or 16,
            PngColorType.Palette => depth is 1 or 2 or 4 or 8,
            PngColorType.Rgb or PngColorType.GreyWithAlpha or PngColorType.Rgba => depth is 8 or 16,
            _ => false,
        };
        if (!known || data[10] != 0 || data[11] != 0 || data[12] > 1)
        {
            throw new InvalidImageContentException("the header of the PNG has values that PNG doesn't know");
        }

        return new((int)width, (int)height, depth, (PngColorType)data[9], data[12] == 1);
    }
}
