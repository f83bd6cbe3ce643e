using System.Buffers.Binary;

namespace SixLabors.ImageSharp.Formats.Png;

/// <summary>The checksum of PNG chunks (PNG specification, annex D), eight bytes at a time.</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;

    // Tables[n * 256 + b]: what byte b does to the checksum when n more bytes follow it.
    private static readonly uint[] Tables = MakeTables();

    public static uint Of(ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<uint> t = Tables;
        uint crc = uint.MaxValue;
        for (; data.Length >= 8; data = data[8..])
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ crc;
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            crc = t[0x700 + (int)(low & 255)] ^ t[0x600 + (int)((low >> 8) & 255)]
                ^ t[0x500 + (int)((low >> 16) & 255)] ^ t[0x400 + (int)(low >> 24)]
                ^ t[0x300 + (int)(high & 255)] ^ t[0x200 + (int)((high >> 8) & 255)]
                ^ t[0x100 + (int)((high >> 16) & 255)] ^ t[(int)(high >> 24)];
        }

        foreach (byte b in data)
        {
            crc = t[(int)((crc ^ b) & 255)] ^ (crc >> 8);
        }

        return ~crc;
    }

    private static uint[] MakeTables()
    {
        uint[] tables = new uint[8 * 256];
        for (uint b = 0; b < 256; b++)
        {
            uint crc = b;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? Polynomial ^ (crc >> 1) : crc >> 1;
            }

            tables[b] = crc;
        }

        for (int i = 256; i < tables.Length; i++)
        {
            uint before = tables[i - 256];
            tables[i] = tables[before & 255] ^ (before >> 8);
        }

        return tables;
    }
}
