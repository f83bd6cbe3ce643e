using System.Buffers.Binary;

namespace SixLabors.ImageSharp.Formats.Png;

/// <summary>One chunk: 4 bytes of length, 4 of type, the data, 4 of checksum.</summary>
internal readonly ref struct PngChunk
{
    private const int Overhead = 12;

    private PngChunk(ReadOnlySpan<byte> chunk) => Whole = chunk;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    public ReadOnlySpan<byte> Type => Whole.Slice(4, 4);

    public ReadOnlySpan<byte> Data => Whole[8..^4];

    /// <summary>Chunks whose type begins with a capital letter are needed to show the picture.</summary>
    private bool IsCritical => (Whole[4] & 0x20) == 0;

    private ReadOnlySpan<byte> Whole { get; }

    /// <summary>Reads the chunk at <paramref name="position"/> and moves past it.</summary>
    /// <exception cref="InvalidImageContentException">It is cut short, or its checksum is wrong.</exception>
    public static PngChunk Read(ReadOnlySpan<byte> file, ref int position)
    {
        ReadOnlySpan<byte> rest = file[position..];
        if (rest.Length < Overhead)
        {
            throw new InvalidImageContentException("the PNG ends before its last chunk");
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        if (length > rest.Length - Overhead)
        {
            throw new InvalidImageContentException("the PNG ends within a chunk");
        }

        var chunk = new PngChunk(rest[..((int)length + Overhead)]);
        position += (int)length + Overhead;
        if (chunk.IsCritical && Crc32.Of(chunk.Whole[4..^4]) != BinaryPrimitives.ReadUInt32BigEndian(chunk.Whole[^4..]))
        {
            throw new InvalidImageContentException("a chunk of the PNG has the wrong checksum");
        }

        return chunk;
    }

    public static void Write(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        byte[] chunk = new byte[data.Length + Overhead];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        type.CopyTo(chunk.AsSpan(4));
        data.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(^4..), Crc32.Of(chunk.AsSpan(4..^4)));
        stream.Write(chunk);
    }
}
