using System.IO.Compression;
using SixLabors.ImageSharp.PixelFormats;

namespace SixLabors.ImageSharp.Formats.Png;

/// <summary>PNG (third edition of the specification): all colour types and bit depths, interlaced or not.</summary>
internal sealed class PngDecoder : IImageDecoder
{
    // Adam7's passes: first column, first row, column step, row step.
    private static readonly (int X, int Y, int Dx, int Dy)[] Adam7 =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    private static readonly (int X, int Y, int Dx, int Dy)[] OnePass = [(0, 0, 1, 1)];

    public bool Recognises(ReadOnlySpan<byte> data) => data.StartsWith(PngChunk.Signature);

    public ImageInfo Identify(ReadOnlyMemory<byte> data)
    {
        int position = PngChunk.Signature.Length;
        PngHeader header = ReadHeader(data.Span, ref position);
        return new ImageInfo(new Size(header.Width, header.Height));
    }

    public Image<Rgb24> Decode(ReadOnlyMemory<byte> data)
    {
        ReadOnlySpan<byte> file = data.Span;
        int position = PngChunk.Signature.Length;
        PngHeader header = ReadHeader(file, ref position);
        byte[] palette = [];
        int orientation = 1;
        using var compressed = new MemoryStream();
        while (true)
        {
            PngChunk chunk = PngChunk.Read(file, ref position);
            if (chunk.Type.SequenceEqual("IDAT"u8))
            {
                compressed.Write(chunk.Data);
            }
            else if (chunk.Type.SequenceEqual("PLTE"u8))
            {
                palette = chunk.Data.ToArray();
            }
            else if (chunk.Type.SequenceEqual("eXIf"u8))
            {
                orientation = ExifOrientation.Read(chunk.Data);
            }
            else if (chunk.Type.SequenceEqual("IEND"u8))
            {
                break;
            }
        }

        if (header.Color == PngColorType.Palette && (palette.Length is 0 or > 768 || palette.Length % 3 != 0))
        {
            throw new InvalidImageContentException("the PNG lacks the palette that its pixels refer to");
        }

        compressed.Position = 0;
        var pixels = new Rgb24[Image.Area(header.Width, header.Height)];
        Inflate(header, palette, compressed, pixels);
        return new Image<Rgb24>(pixels, header.Width, header.Height) { Orientation = orientation };
    }

    private static PngHeader ReadHeader(ReadOnlySpan<byte> file, ref int position)
    {
        PngChunk chunk = PngChunk.Read(file, ref position);
        return chunk.Type.SequenceEqual("IHDR"u8)
            ? PngHeader.Parse(chunk.Data)
            : throw new InvalidImageContentException("the PNG doesn't begin with its header");
    }

    private static void Inflate(PngHeader header, byte[] palette, MemoryStream compressed, Span<Rgb24> pixels)
    {
        using var inflated = new ZLibStream(compressed, CompressionMode.Decompress);
        var expand = new PngPixels(header, palette);
        int filterStep = Math.Max(1, header.BitsPerPixel / 8);
        Rgb24[] line = header.Interlaced ? new Rgb24[header.Width] : [];
        foreach ((int x0, int y0, int dx, int dy) in header.Interlaced ? Adam7 : OnePass)
        {
            if (x0 >= header.Width || y0 >= header.Height)
            {
                continue;
            }

            int columns = (header.Width - x0 + dx - 1) / dx;
            int rowBytes = (int)((((long)columns * header.BitsPerPixel) + 7) / 8);
            byte[] row = new byte[rowBytes + 1];
            byte[] above = new byte[rowBytes + 1];
            for (int y = y0; y < header.Height; y += dy)
            {
                Read(inflated, row);
                PngFilter.Undo(row[0], row.AsSpan(1), above.AsSpan(1), filterStep);
                Span<Rgb24> to = pixels.Slice(y * header.Width, header.Width);
                if (header.Interlaced)
                {
                    expand.Expand(row.AsSpan(1), line.AsSpan(0, columns));
                    for (int i = 0; i < columns; i++)
                    {
                        to[x0 + (i * dx)] = line[i];
                    }
                }
                else
                {
                    expand.Expand(row.AsSpan(1), to);
                }

                (row, above) = (above, row);
            }
        }
    }

    private static void Read(ZLibStream inflated, byte[] row)
    {
        int read;
        try
        {
            read = inflated.ReadAtLeast(row, row.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidImageContentException("the compressed pixels of the PNG are damaged", e);
        }

        if (read < row.Length)
        {
            throw new InvalidImageContentException("the pixels of the PNG are cut short");
        }
    }
}
