using System.IO.Compression;
using System.Text;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>How an entry is written, and what it claims.</summary>
/// <param name="Name">Its path.</param>
/// <param name="Data">Its content.</param>
internal sealed record ZipFile(string Name, byte[] Data)
{
    public bool Deflate { get; init; }

    /// <summary>Whether sizes and offset have 64 bits, though 32 would be enough.</summary>
    public bool Zip64 { get; init; }

    /// <summary>Whether the sizes follow the data instead of preceding it.</summary>
    public bool Descriptor { get; init; }

    public long? ClaimedSize { get; init; }

    /// <summary>For data that is already deflated: the inflated size that it claims.</summary>
    public long? Inflated { get; init; }

    public ushort Flags { get; init; }

    public ushort? Method { get; init; }
}

/// <summary>Writes zip archives by hand, valid and invalid.</summary>
internal static class ZipWriter
{
    public static byte[] Write(params ZipFile[] files)
    {
        var archive = new MemoryStream();
        using var writer = new BinaryWriter(archive);
        var directory = new MemoryStream();
        using var central = new BinaryWriter(directory);
        foreach (var file in files)
        {
            var data = file.Deflate ? Deflated(file.Data) : file.Data;
            var isDeflated = file.Deflate || file.Inflated is not null;
            var size = file.Inflated ?? file.ClaimedSize ?? file.Data.Length;
            var compressed = isDeflated ? data.Length : file.ClaimedSize ?? data.Length;
            var flags = (ushort)(file.Flags | (file.Descriptor ? 8 : 0));
            var method = file.Method ?? (ushort)(isDeflated ? 8 : 0);
            var name = Encoding.UTF8.GetBytes(file.Name);
            var begin = archive.Position;

            var localExtra = file.Zip64 ? Extra(size, compressed) : [];
            writer.Write("PK\x03\x04"u8);
            writer.Write(Fields(20, flags, method));
            var known = !file.Descriptor && !file.Zip64;
            writer.Write(known ? (uint)compressed : file.Zip64 ? uint.MaxValue : 0);
            writer.Write(known ? (uint)size : file.Zip64 ? uint.MaxValue : 0);
            writer.Write((ushort)name.Length);
            writer.Write((ushort)localExtra.Length);
            writer.Write(name);
            writer.Write(localExtra);
            writer.Write(data);
            if (file.Descriptor)
            {
                writer.Write("PK\x07\x08"u8);
                writer.Write(0u);
                writer.Write((uint)compressed);
                writer.Write((uint)size);
            }
            byte[] centralExtra = file.Zip64 ? [.. Unknown, .. Extra(size, compressed, begin)] : [];
            central.Write("PK\x01\x02"u8);
            central.Write((ushort)20);
            central.Write(Fields(20, flags, method));
            central.Write(file.Zip64 ? uint.MaxValue : (uint)compressed);
            central.Write(file.Zip64 ? uint.MaxValue : (uint)size);
            central.Write((ushort)name.Length);
            central.Write((ushort)centralExtra.Length);
            central.Write(new byte[10]);
            central.Write(file.Zip64 ? uint.MaxValue : (uint)begin);
            central.Write(name);
            central.Write(centralExtra);
        }
        var directoryBegin = archive.Position;
        writer.Write(directory.ToArray());
        var wide = files.Any(file => file.Zip64);
        if (wide)
            WriteEnd64(writer, files.Length, directory.Length, directoryBegin);
        writer.Write("PK\x05\x06"u8);
        writer.Write(0u);
        writer.Write(wide ? ushort.MaxValue : (ushort)files.Length);
        writer.Write(wide ? ushort.MaxValue : (ushort)files.Length);
        writer.Write(wide ? uint.MaxValue : (uint)directory.Length);
        writer.Write(wide ? uint.MaxValue : (uint)directoryBegin);
        writer.Write((ushort)0);
        return archive.ToArray();
    }

    public static byte[] Deflated(byte[] data)
    {
        var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.SmallestSize, leaveOpen: true))
            deflate.Write(data);
        return stream.ToArray();
    }

    /// <summary>An extra field of a kind that readers skip: an empty timestamp.</summary>
    private static ReadOnlySpan<byte> Unknown => [0x55, 0x54, 1, 0, 0];

    private static void WriteEnd64(BinaryWriter writer, int count, long length, long begin)
    {
        var at = writer.BaseStream.Position;
        writer.Write("PK\x06\x06"u8);
        writer.Write(44L);
        writer.Write((ushort)45);
        writer.Write((ushort)45);
        writer.Write(0u);
        writer.Write(0u);
        writer.Write((long)count);
        writer.Write((long)count);
        writer.Write(length);
        writer.Write(begin);
        writer.Write("PK\x06\x07"u8);
        writer.Write(0u);
        writer.Write(at);
        writer.Write(1u);
    }

    /// <summary>Version, flags, method, time and checksum (which the reader ignores).</summary>
    private static byte[] Fields(ushort version, ushort flags, ushort method)
        => [(byte)version, 0, (byte)flags, (byte)(flags >> 8), (byte)method, (byte)(method >> 8), .. new byte[8]];

    private static byte[] Extra(params long[] values)
        => [1, 0, (byte)(8 * values.Length), 0, .. values.SelectMany(BitConverter.GetBytes)];
}
