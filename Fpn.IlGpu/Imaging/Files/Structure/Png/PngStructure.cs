using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Walks over the chunks of a PNG, unpacks the pixel data as far as the header promises and no further, and gives the
/// decoder a plain PNG: header, palette and rows that are not interlaced. Texts and colour profiles, which unpack to
/// any size, are left out unread; so is transparency, as alpha is dropped in any case.
/// </summary>
internal static class PngStructure
{
    private const int SignatureBytes = 8;

    // Length and type before the data of a chunk, checksum after it.
    private const int ChunkOverhead = 12;

    private const int MostPaletteBytes = 3 * 256;

    // Deflate gives at most 1032 bytes for one.
    private const long MostBytesOfDeflatedByte = 1032;

    public static CheckedPicture Check(ReadOnlyMemory<byte> memory, PictureLimits limits)
    {
        var rest = memory.Span[SignatureBytes..];
        var header = HeaderOf(NextChunk(ref rest));
        PictureRefusal.ThrowIfTooLarge(header.Width, header.Height, limits);

        ReadOnlySpan<byte> palette = default;
        using var packed = new MemoryStream(rest.Length);
        var orientation = ExifOrientation.Upright;
        while (true)
        {
            var chunk = NextChunk(ref rest);
            if (chunk.StartsWith("IEND"u8))
                break;
            var data = chunk[4..];
            if (chunk.StartsWith("IDAT"u8))
                packed.Write(data);
            else if (chunk.StartsWith("PLTE"u8))
                palette = PaletteOf(data);
            else if (chunk.StartsWith("eXIf"u8))
                orientation = ExifOrientation.Of(data);
            else if (chunk[0] is >= (byte)'A' and <= (byte)'Z')
                throw PictureRefusal.Damaged("is a PNG with an essential chunk that is not known");
        }

        if (header.Colour == PngColour.Palette && palette.IsEmpty)
            throw PictureRefusal.Damaged("is a PNG without the palette that it refers to");
        if (header.FilteredBytes > packed.Length * MostBytesOfDeflatedByte)
            throw PictureRefusal.Damaged("is a PNG whose data are far too small for the size it claims");
        packed.Position = 0;
        return new CheckedPicture(Unpack(packed, header, header.Colour == PngColour.Palette ? palette : default), orientation);
    }

    private static byte[] Unpack(MemoryStream packed, PngHeader header, ReadOnlySpan<byte> palette)
    {
        using var filtered = new ZLibStream(packed, CompressionMode.Decompress);
        try
        {
            return header.IsInterlaced
                ? PlainPng.Write(header with { IsInterlaced = false }, palette, Adam7.Deinterlace(header, filtered))
                : PlainPng.Write(header, palette, filtered);
        }
        catch (EndOfStreamException)
        {
            throw PictureRefusal.Damaged("is a PNG that has fewer rows than its header claims");
        }
        catch (InvalidDataException)
        {
            throw PictureRefusal.Damaged("is a PNG whose pixel data are damaged");
        }
    }

    private static PngHeader HeaderOf(ReadOnlySpan<byte> chunk)
    {
        if (chunk.StartsWith("CgBI"u8))
            throw PictureRefusal.Unsupported("is a PNG in the form that Apple's tools make for apps, which can't be read");
        if (!chunk.StartsWith("IHDR"u8))
            throw PictureRefusal.Damaged("is a PNG without a header");
        return PngHeader.Parse(chunk[4..]);
    }

    private static ReadOnlySpan<byte> PaletteOf(ReadOnlySpan<byte> data)
        => data.Length is > 0 and <= MostPaletteBytes && data.Length % 3 == 0
            ? data
            : throw PictureRefusal.Damaged($"is a PNG with a palette of {data.Length} bytes, which PNG does not allow");

    // Type and data of the next chunk. The checksums are compared of those that are used.
    private static ReadOnlySpan<byte> NextChunk(scoped ref ReadOnlySpan<byte> rest)
    {
        if (rest.Length < ChunkOverhead)
            throw CutShort();
        var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        if (length > rest.Length - ChunkOverhead)
            throw CutShort();
        var chunk = rest.Slice(4, 4 + (int)length);
        var checksum = BinaryPrimitives.ReadUInt32BigEndian(rest[(4 + chunk.Length)..]);
        rest = rest[(ChunkOverhead + (int)length)..];
        if (IsUsed(chunk) && PngChecksum.Of(chunk) != checksum)
            throw PictureRefusal.Damaged($"is a PNG with a damaged chunk {Encoding.ASCII.GetString(chunk[..4])}");
        return chunk;
    }

    private static bool IsUsed(ReadOnlySpan<byte> chunk)
        => chunk.StartsWith("IDAT"u8) || chunk.StartsWith("IHDR"u8) || chunk.StartsWith("PLTE"u8) || chunk.StartsWith("eXIf"u8);

    private static PictureRefusal CutShort() => PictureRefusal.Damaged("is a PNG that is cut short");
}
