using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Fpn.IlGpu.Tests.Imaging;

/// <summary>Builds PNGs chunk by chunk, valid and invalid.</summary>
internal static class PngFile
{
    /// <summary>A PNG of 8-bit grey pixels.</summary>
    /// <param name="width">Claimed width in px.</param>
    /// <param name="height">Claimed height in px.</param>
    /// <param name="interlaced">Whether it claims to be interlaced.</param>
    /// <param name="rows">The filtered rows that it has.</param>
    /// <param name="extra">Further chunks, before the pixel data.</param>
    public static byte[] Grey(int width, int height, bool interlaced, byte[] rows, params byte[][] extra)
        => Of(width, height, 8, 0, interlaced, rows, extra);

    /// <summary>A PNG of any kind; the numbers for depth and colour are those of its header.</summary>
    public static byte[] Of(int width, int height, int depth, int colour, bool interlaced, byte[] rows, params byte[][] extra)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = (byte)depth;
        header[9] = (byte)colour;
        header[12] = interlaced ? (byte)1 : (byte)0;
        byte[] file =
        [
            0x89, .. "PNG\r\n\x1A\n"u8,
            .. Chunk("IHDR", header), .. extra.SelectMany(chunk => chunk), .. Chunk("IDAT", Pack(rows)), .. Chunk("IEND", []),
        ];
        PngChecksums.Repair(file);
        return file;
    }

    /// <summary>
    /// The rows of Adam7's seven passes, taken bit by bit from the rows of the whole picture. No row is filtered.
    /// </summary>
    public static byte[] Interlace(int width, int height, int bitsPerPixel, byte[] rows)
    {
        var pitch = 1 + (((width * bitsPerPixel) + 7) / 8);
        List<byte> passes = [];
        (int X, int Y, int StepX, int StepY)[] all =
            [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
        foreach (var pass in all.Where(pass => pass.X < width))
        {
            for (var y = pass.Y; y < height; y += pass.StepY)
            {
                List<int> bits = [];
                for (var x = pass.X; x < width; x += pass.StepX)
                {
                    for (var bit = x * bitsPerPixel; bit < (x + 1) * bitsPerPixel; bit++)
                        bits.Add(rows[(y * pitch) + 1 + (bit / 8)] >> (7 - (bit % 8)) & 1);
                }
                passes.Add(0);
                passes.AddRange(bits.Chunk(8).Select(eight => (byte)eight.Select((bit, i) => bit << (7 - i)).Sum()));
            }
        }
        return [.. passes];
    }

    /// <summary>The file with its filtered rows changed.</summary>
    public static byte[] WithRows(byte[] file, Func<byte[], byte[]> change)
    {
        List<byte> others = [], packed = [];
        for (var at = 8; at < file.Length;)
        {
            var end = at + 12 + BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            if (file.AsSpan(at + 4).StartsWith("IDAT"u8))
                packed.AddRange(file[(at + 8)..(end - 4)]);
            else if (!file.AsSpan(at + 4).StartsWith("IEND"u8))
                others.AddRange(file[at..end]);
            at = end;
        }
        using var stream = new ZLibStream(new MemoryStream([.. packed]), CompressionMode.Decompress);
        using var rows = new MemoryStream();
        stream.CopyTo(rows);
        byte[] changed = [.. file[..8], .. others, .. Chunk("IDAT", Pack(change(rows.ToArray()))), .. Chunk("IEND", [])];
        PngChecksums.Repair(changed);
        return changed;
    }

    /// <summary>A chunk whose checksum is not set yet.</summary>
    public static byte[] Chunk(string type, byte[] data)
    {
        var chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        Encoding.ASCII.GetBytes(type).CopyTo(chunk, 4);
        data.CopyTo(chunk, 8);
        return chunk;
    }

    public static byte[] Pack(byte[] data)
    {
        using var packed = new MemoryStream();
        using (var stream = new ZLibStream(packed, CompressionLevel.SmallestSize))
            stream.Write(data);
        return packed.ToArray();
    }
}
