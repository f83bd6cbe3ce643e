using System.Buffers.Binary;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Reads the orientation out of EXIF data, and nothing else: other entries may claim gigabytes, and no pixel depends on
/// them. EXIF data are a small TIFF file (EXIF 2.32, section 4.5); the orientation is an entry of its first directory.
/// </summary>
internal static class ExifOrientation
{
    /// <summary>The orientation of a picture whose first row is its top and whose first column is its left side.</summary>
    public const int Upright = 1;

    private const int OrientationTag = 0x0112;
    private const int TypeShort = 3;
    private const int EntryBytes = 12;

    /// <summary>The bytes that precede EXIF data in a JPEG; some writers put them into WebP and PNG, too.</summary>
    public static ReadOnlySpan<byte> Prefix => "Exif\0\0"u8;

    /// <summary>Whether the upright picture is as wide as the stored one is high.</summary>
    public static bool IsOnItsSide(int orientation) => orientation >= 5;

    /// <param name="exif">EXIF data, with or without the prefix.</param>
    /// <returns>1 to 8; 1 as well where there is no orientation or the data are damaged.</returns>
    public static int Of(ReadOnlySpan<byte> exif)
    {
        var tiff = exif.StartsWith(Prefix) ? exif[Prefix.Length..] : exif;
        if (tiff.Length < 8 || !(tiff.StartsWith("II*\0"u8) || tiff.StartsWith("MM\0*"u8)))
            return Upright;
        var bigEndian = tiff[0] == 'M';
        long directory = ReadUInt32(tiff[4..], bigEndian);
        if (directory + 2 > tiff.Length)
            return Upright;
        var count = ReadUInt16(tiff[(int)directory..], bigEndian);
        var entries = tiff[((int)directory + 2)..];
        for (; count > 0 && entries.Length >= EntryBytes; count--, entries = entries[EntryBytes..])
        {
            if (ReadUInt16(entries, bigEndian) != OrientationTag)
                continue;
            var orientation = ReadUInt16(entries[8..], bigEndian);
            return ReadUInt16(entries[2..], bigEndian) == TypeShort && orientation is >= 1 and <= 8 ? orientation : Upright;
        }
        return Upright;
    }

    private static ushort ReadUInt16(ReadOnlySpan<byte> data, bool bigEndian)
        => bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(data) : BinaryPrimitives.ReadUInt16LittleEndian(data);

    private static uint ReadUInt32(ReadOnlySpan<byte> data, bool bigEndian)
        => bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(data) : BinaryPrimitives.ReadUInt32LittleEndian(data);
}
