using System.Buffers.Binary;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Writes the PNG that the decoder gets. Its pixel data are stored, not packed, so that they are unpacked once only, by
/// whoever checked them; each chunk IDAT has one of deflate's stored blocks (RFC 1951, section 3.2.4).
/// </summary>
internal static class PlainPng
{
    // The most that a stored block can have.
    private const int MostBlockBytes = ushort.MaxValue;

    private const int ChunkOverhead = 12;
    private const int BlockHeaderBytes = 5;

    private static readonly byte[] Signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    // Deflate with a window of 32 KB, no dictionary (RFC 1950).
    private static readonly byte[] ZLibHeader = [0x78, 0x01];

    /// <param name="header">Of a picture that is not interlaced.</param>
    /// <param name="palette">Red, green and blue of each entry; empty where there is no palette.</param>
    /// <param name="rows">Filtered rows, from the top. As many bytes as the header promises are taken.</param>
    /// <exception cref="EndOfStreamException">There are fewer.</exception>
    public static byte[] Write(PngHeader header, ReadOnlySpan<byte> palette, Stream rows)
    {
        var rest = header.FilteredBytes;
        var blocks = (rest + MostBlockBytes - 1) / MostBlockBytes;
        var length = Signature.Length + ChunkOverhead + PngHeader.Length
            + (palette.IsEmpty ? 0 : ChunkOverhead + palette.Length)
            + ZLibHeader.Length + rest + (blocks * (ChunkOverhead + BlockHeaderBytes))
            + ChunkOverhead;
        if (length > Array.MaxLength)
            throw new PictureRefusal("unpacks to more than 2 GB; scale it down");

        var file = new byte[length];
        Signature.CopyTo(file, 0);
        var free = file.AsSpan(Signature.Length);
        header.Write(BeginChunk(free, "IHDR"u8, PngHeader.Length));
        EndChunk(ref free);
        if (!palette.IsEmpty)
        {
            palette.CopyTo(BeginChunk(free, "PLTE"u8, palette.Length));
            EndChunk(ref free);
        }
        var zlibHeader = ZLibHeader.AsSpan();
        while (rest > 0)
        {
            var block = (int)Math.Min(rest, MostBlockBytes);
            rest -= block;
            var data = BeginChunk(free, "IDAT"u8, zlibHeader.Length + BlockHeaderBytes + block);
            zlibHeader.CopyTo(data);
            data = data[zlibHeader.Length..];
            zlibHeader = default;
            data[0] = rest == 0 ? (byte)1 : (byte)0;
            BinaryPrimitives.WriteUInt16LittleEndian(data[1..], (ushort)block);
            BinaryPrimitives.WriteUInt16LittleEndian(data[3..], (ushort)~block);
            rows.ReadExactly(data[BlockHeaderBytes..]);
            EndChunk(ref free);
        }
        BeginChunk(free, "IEND"u8, 0);
        EndChunk(ref free);
        return file;
    }

    private static Span<byte> BeginChunk(Span<byte> free, ReadOnlySpan<byte> type, int length)
    {
        BinaryPrimitives.WriteInt32BigEndian(free, length);
        type.CopyTo(free[4..]);
        return free.Slice(8, length);
    }

    private static void EndChunk(scoped ref Span<byte> free)
    {
        var end = 8 + BinaryPrimitives.ReadInt32BigEndian(free);
        BinaryPrimitives.WriteUInt32BigEndian(free[end..], PngChecksum.Of(free[4..end]));
        free = free[(end + 4)..];
    }
}
