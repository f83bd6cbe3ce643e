using System.Buffers.Binary;

namespace SixLabors.ImageSharp.Formats;

/// <summary>Finds the orientation (tag 0x0112 of the first directory) in EXIF data, a small TIFF file.</summary>
internal static class ExifOrientation
{
    private const int OrientationTag = 0x0112;
    private const int ShortType = 3;

    /// <summary>1 to 8; 1 (upright) where the data does not say, or is damaged.</summary>
    public static int Read(ReadOnlySpan<byte> tiff)
    {
        bool little = tiff.StartsWith("II"u8);
        if (tiff.Length < 8 || !(little || tiff.StartsWith("MM"u8)))
        {
            return 1;
        }

        uint directory = UInt32(tiff[4..], little);
        if (directory > tiff.Length - 2)
        {
            return 1;
        }

        int entries = UInt16(tiff[(int)directory..], little);
        ReadOnlySpan<byte> rest = tiff[((int)directory + 2)..];
        for (; entries > 0 && rest.Length >= 12; entries--, rest = rest[12..])
        {
            if (UInt16(rest, little) == OrientationTag)
            {
                int value = UInt16(rest[2..], little) == ShortType ? UInt16(rest[8..], little) : 1;
                return value is >= 1 and <= 8 ? value : 1;
            }
        }

        return 1;
    }

    private static ushort UInt16(ReadOnlySpan<byte> data, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(data) : BinaryPrimitives.ReadUInt16BigEndian(data);

    private static uint UInt32(ReadOnlySpan<byte> data, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(data) : BinaryPrimitives.ReadUInt32BigEndian(data);
}
