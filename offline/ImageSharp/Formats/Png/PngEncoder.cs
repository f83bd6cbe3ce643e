using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using SixLabors.ImageSharp.PixelFormats;

namespace SixLabors.ImageSharp.Formats.Png;

/// <summary>Writes 8-bit RGB, Paeth-filtered and compressed.</summary>
internal sealed class PngEncoder : IImageEncoder
{
    private const int BytesPerPixel = 3;

    public void Encode(Image<Rgb24> image, Stream stream)
    {
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        header[8] = 8;
        header[9] = (byte)PngColorType.Rgb;
        header[10..].Clear();

        using var compressed = new MemoryStream();
        using (var deflate = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            ReadOnlySpan<byte> pixels = MemoryMarshal.AsBytes(image.Pixels);
            int rowBytes = image.Width * BytesPerPixel;
            byte[] filtered = new byte[rowBytes + 1];
            for (int y = 0; y < image.Height; y++)
            {
                ReadOnlySpan<byte> row = pixels.Slice(y * rowBytes, rowBytes);
                ReadOnlySpan<byte> above = y == 0 ? default : pixels.Slice((y - 1) * rowBytes, rowBytes);
                filtered[0] = PngFilter.Apply(row, above, BytesPerPixel, y == 0, filtered.AsSpan(1));
                deflate.Write(filtered);
            }
        }

        stream.Write(PngChunk.Signature);
        PngChunk.Write(stream, "IHDR"u8, header);
        PngChunk.Write(stream, "IDAT"u8, compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
        PngChunk.Write(stream, "IEND"u8, default);
    }
}
