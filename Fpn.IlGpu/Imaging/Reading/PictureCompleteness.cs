using System.Buffers.Binary;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Finds files that are cut short, or too small for the size they claim. Decoders differ here, and some fill what is
/// missing with grey without a word; boxes found in such a picture would be wrong without a word too.
/// </summary>
internal static class PictureCompleteness
{
    // Deflate gives at most 1032 bytes for one.
    private const long MostBytesOfDeflatedByte = 1032;

    // A block of 8 x 8 samples takes at least one bit; some component has a block for every 128 px.
    private const long MostPixelsOfJpegByte = 8 * 128;

    // More progressive scans than encoders write; each makes the decoder walk over the whole picture again.
    private const int MostJpegScans = 200;

    // Decoders unpack these one by one, to 8 MB each.
    private const int MostPackedPngTexts = 32;

    /// <summary>
    /// Says what is missing, as the end of a sentence that begins with the file's name; null when nothing is.
    /// </summary>
    /// <param name="kind">What the file is.</param>
    /// <param name="file">The whole file.</param>
    /// <param name="width">Claimed width in px.</param>
    /// <param name="height">Claimed height in px.</param>
    public static string? WhatIsMissing(PictureKind kind, ReadOnlySpan<byte> file, int width, int height) => kind switch
    {
        PictureKind.Jpeg => CheckJpeg(file, (long)width * height),
        PictureKind.Png => CheckPng(file, (long)width * height),
        PictureKind.Bmp => CheckBmp(file),
        PictureKind.WebP => CheckWebP(file),
        _ => null,
    };

    // Segments carry their length; the pixels between them end at the next marker.
    private static string? CheckJpeg(ReadOnlySpan<byte> file, long pixels)
    {
        const string CutShort = "is a JPEG that is cut short";
        int at = 2, scans = 0;
        var isHuffmanCoded = false;
        while (true)
        {
            var marker = file[at..].IndexOf((byte)0xFF);
            if (marker < 0 || at + marker + 1 >= file.Length)
                return CutShort;
            at += marker + 1;
            var code = file[at];
            if (code is 0xFF)
                continue;
            at++;
            if (code is 0 or 1 or (>= 0xD0 and <= 0xD7))
                continue;
            if (code == 0xD9)
            {
                return isHuffmanCoded && pixels > MostPixelsOfJpegByte * file.Length
                    ? "is a JPEG whose data is far too small for the size it claims"
                    : null;
            }
            isHuffmanCoded |= code is 0xC0 or 0xC1 or 0xC2;
            scans += code == 0xDA ? 1 : 0;
            if (scans > MostJpegScans)
                return $"is a JPEG with more than {MostJpegScans} scans";
            if (at + 2 > file.Length)
                return CutShort;
            at += Math.Max(2, (int)BinaryPrimitives.ReadUInt16BigEndian(file[at..]));
            if (at > file.Length)
                return CutShort;
        }
    }

    // Chunks carry their length; the last one is IEND.
    private static string? CheckPng(ReadOnlySpan<byte> file, long pixels)
    {
        const string CutShort = "is a PNG that is cut short";
        const int ChunkOverhead = 12;
        var rest = file[8..];
        long claimedBits = 0, packedBytes = 0;
        var packedTexts = 0;
        while (true)
        {
            if (rest.Length < ChunkOverhead)
                return CutShort;
            var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > rest.Length - ChunkOverhead)
                return CutShort;
            var type = rest.Slice(4, 4);
            if (type.SequenceEqual("IHDR"u8) && length >= 13)
            {
                claimedBits = pixels * PngBitsPerPixel(rest.Slice(8, 13));
            }
            else if (type.SequenceEqual("IDAT"u8))
            {
                packedBytes += length;
            }
            else if (type.SequenceEqual("zTXt"u8) || type.SequenceEqual("iTXt"u8) || type.SequenceEqual("iCCP"u8))
            {
                if (++packedTexts > MostPackedPngTexts)
                    return $"is a PNG with more than {MostPackedPngTexts} packed texts";
            }
            else if (type.SequenceEqual("IEND"u8))
            {
                return claimedBits / 8 > packedBytes * MostBytesOfDeflatedByte
                    ? "is a PNG whose data is far too small for the size it claims"
                    : null;
            }
            rest = rest[(ChunkOverhead + (int)length)..];
        }
    }

    private static int PngBitsPerPixel(ReadOnlySpan<byte> header) => header[8] * header[9] switch
    {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    };

    // Uncompressed rows have a known length, and are padded to four bytes.
    private static string? CheckBmp(ReadOnlySpan<byte> file)
    {
        if (file.Length < 54)
            return "is a BMP that is cut short";
        var compression = BinaryPrimitives.ReadUInt32LittleEndian(file[30..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(file[14..]) < 40 || compression is not (0 or 3 or 6))
            return null;
        long pixelsAt = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]);
        var width = Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(file[18..]));
        var height = Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(file[22..]));
        var rowBytes = ((width * BinaryPrimitives.ReadUInt16LittleEndian(file[28..])) + 31) / 32 * 4;
        return height > 0 && rowBytes > (file.Length - pixelsAt) / height ? "is a BMP that is cut short" : null;
    }

    private static string? CheckWebP(ReadOnlySpan<byte> file)
        => BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) > file.Length - 8 ? "is a WebP picture that is cut short" : null;
}
