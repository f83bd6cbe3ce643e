using System.Buffers.Binary;

namespace Fpn.IlGpu.Tests.Imaging;

/// <summary>Corrects the checksums of a damaged PNG, so that the damage gets past them.</summary>
internal static class PngChecksums
{
    public static void Repair(Span<byte> file)
    {
        if (file.Length < 8 || file[1] != 'P')
            return;
        for (var rest = file[8..]; rest.Length >= 12;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > rest.Length - 12)
                return;
            var end = (int)length + 8;
            BinaryPrimitives.WriteUInt32BigEndian(rest[end..], Crc(rest[4..end]));
            rest = rest[(end + 4)..];
        }
    }

    // Bit by bit, as the PNG specification defines it.
    private static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var b in data)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
        }
        return ~crc;
    }
}
