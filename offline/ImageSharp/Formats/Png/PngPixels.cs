using System.Runtime.InteropServices;
using SixLabors.ImageSharp.PixelFormats;

namespace SixLabors.ImageSharp.Formats.Png;

/// <summary>Expands the samples of a row, of any type and depth, to 8-bit RGB; alpha is dropped.</summary>
internal sealed class PngPixels
{
    private readonly PngHeader header;

    // What each sample of up to 8 bits of a grey or palette picture means.
    private readonly Rgb24[] meaning = new Rgb24[256];

    public PngPixels(PngHeader header, ReadOnlySpan<byte> palette)
    {
        this.header = header;
        int largest = (1 << Math.Min(header.BitDepth, 8)) - 1;
        for (int i = 0; i <= largest; i++)
        {
            // A sample beyond the palette's end is black.
            meaning[i] = header.Color != PngColorType.Palette
                ? Grey((byte)(i * 255 / largest))
                : (i * 3) + 2 < palette.Length ? new(palette[i * 3], palette[(i * 3) + 1], palette[(i * 3) + 2]) : default;
        }
    }

    public void Expand(ReadOnlySpan<byte> row, Span<Rgb24> to)
    {
        switch (header.Color, header.BitDepth)
        {
            case (PngColorType.Rgb, 8):
                MemoryMarshal.Cast<byte, Rgb24>(row)[..to.Length].CopyTo(to);
                break;
            case (PngColorType.Rgba, 8):
                for (int i = 0; i < to.Length; i++)
                {
                    ReadOnlySpan<byte> pixel = row.Slice(i * 4, 4);
                    to[i] = new(pixel[0], pixel[1], pixel[2]);
                }

                break;
            case (PngColorType.Rgb or PngColorType.Rgba, _):
                int step = header.BitsPerPixel / 8;
                for (int i = 0; i < to.Length; i++)
                {
                    ReadOnlySpan<byte> pixel = row.Slice(i * step, 6);
                    to[i] = new(From16Bits(pixel), From16Bits(pixel[2..]), From16Bits(pixel[4..]));
                }

                break;
            case (_, 16):
                step = header.BitsPerPixel / 8;
                for (int i = 0; i < to.Length; i++)
                {
                    to[i] = Grey(From16Bits(row[(i * step)..]));
                }

                break;
            case (PngColorType.GreyWithAlpha, _):
                for (int i = 0; i < to.Length; i++)
                {
                    to[i] = Grey(row[i * 2]);
                }

                break;
            case (_, 8):
                for (int i = 0; i < to.Length; i++)
                {
                    to[i] = meaning[row[i]];
                }

                break;
            default:
                ExpandPacked(row, to);
                break;
        }
    }

    private static Rgb24 Grey(byte value) => new(value, value, value);

    // Rounded, as 65535 means what 255 means.
    private static byte From16Bits(ReadOnlySpan<byte> sample) =>
        (byte)(((((sample[0] << 8) | sample[1]) * 255) + 32895) >> 16);

    // Samples of 1, 2 or 4 bits, the leftmost in the highest bits.
    private void ExpandPacked(ReadOnlySpan<byte> row, Span<Rgb24> to)
    {
        int depth = header.BitDepth;
        int mask = (1 << depth) - 1;
        for (int i = 0; i < to.Length; i++)
        {
            int bit = i * depth;
            to[i] = meaning[(row[bit >> 3] >> (8 - depth - (bit & 7))) & mask];
        }
    }
}
