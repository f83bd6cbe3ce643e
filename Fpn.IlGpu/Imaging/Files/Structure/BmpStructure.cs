using System.Buffers.Binary;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Checks the headers of a BMP against the file's length. ImageSharp 2.1.13 takes all bytes before the pixel offset for
/// the palette, and allocates them before it looks whether they are there.
/// </summary>
internal static class BmpStructure
{
    private const int FileHeaderBytes = 14;

    // The oldest header, with sizes of 16 bits.
    private const int CoreHeaderBytes = 12;
    private const int Os2HeaderBytes = 16;
    private const int InfoHeaderBytes = 40;

    // A run of two bytes gives at most 255 px.
    private const long MostPixelsOfRunByte = 128;

    private enum Compression : uint
    {
        None = 0,
        Rle8 = 1,
        Rle4 = 2,
        BitFields = 3,
        Rle24 = 4,
        AlphaBitFields = 6,
    }

    public static CheckedPicture Check(ReadOnlyMemory<byte> file, PictureLimits limits)
    {
        Check(file.Span, limits);
        return new CheckedPicture(file);
    }

    private static void Check(ReadOnlySpan<byte> file, PictureLimits limits)
    {
        if (file.Length < FileHeaderBytes + CoreHeaderBytes)
            throw CutShort();
        long pixelsAt = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]);
        var header = file[FileHeaderBytes..];
        long headerBytes = BinaryPrimitives.ReadUInt32LittleEndian(header);
        if (headerBytes is not (CoreHeaderBytes or Os2HeaderBytes or >= InfoHeaderBytes))
            throw PictureRefusal.Damaged($"is a BMP with a header of {headerBytes} bytes, which no version of BMP has");
        if (headerBytes > header.Length)
            throw CutShort();

        var isCore = headerBytes == CoreHeaderBytes;
        long width = isCore ? BinaryPrimitives.ReadUInt16LittleEndian(header[4..]) : BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        var height = isCore
            ? BinaryPrimitives.ReadUInt16LittleEndian(header[6..])
            : Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(header[8..]));
        var bits = BinaryPrimitives.ReadUInt16LittleEndian(header[(isCore ? 10 : 14)..]);
        var compression = headerBytes < InfoHeaderBytes
            ? Compression.None
            : (Compression)BinaryPrimitives.ReadUInt32LittleEndian(header[16..]);
        if (width <= 0 || height == 0)
            throw PictureRefusal.Damaged($"is a BMP of {width} x {height} px");
        if (bits is not (1 or 2 or 4 or 8 or 16 or 24 or 32))
            throw PictureRefusal.Damaged($"is a BMP of {bits} bits a pixel, which no version of BMP has");
        PictureRefusal.ThrowIfTooLarge(width, height, limits);

        var headersBytes = FileHeaderBytes + headerBytes + MaskBytes(headerBytes, compression);
        if (pixelsAt < headersBytes)
            throw PictureRefusal.Damaged("is a BMP whose pixels would begin within its header");
        if (pixelsAt > file.Length)
            throw PictureRefusal.Damaged("is a BMP whose pixels would begin beyond its end");
        CheckPixelBytes(file.Length - pixelsAt, width, height, bits, compression);
    }

    // The masks follow the header of 40 bytes; later versions have them in it.
    private static int MaskBytes(long headerBytes, Compression compression) => (headerBytes, compression) switch
    {
        (InfoHeaderBytes, Compression.BitFields) => 12,
        (InfoHeaderBytes, Compression.AlphaBitFields) => 16,
        _ => 0,
    };

    private static void CheckPixelBytes(long pixelBytes, long width, long height, int bits, Compression compression)
    {
        switch (compression)
        {
            case Compression.None or Compression.BitFields or Compression.AlphaBitFields:
                var rowBytes = ((width * bits) + 31) / 32 * 4;
                if (rowBytes > pixelBytes / height)
                    throw CutShort();
                break;
            case Compression.Rle8 or Compression.Rle4 or Compression.Rle24:
                if (width * height > pixelBytes * MostPixelsOfRunByte)
                    throw PictureRefusal.Damaged("is a BMP whose data are far too small for the size it claims");
                break;
            default:
                throw PictureRefusal.Unsupported("is a BMP with a compression that can't be read");
        }
    }

    private static PictureRefusal CutShort() => PictureRefusal.Damaged("is a BMP that is cut short");
}
