using System.Buffers.Binary;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Walks over the chunks of a WebP picture, and gives the decoder the simplest WebP file that has the same pixels: one
/// chunk. Alpha, colour profile and texts are left out; of an animation, the first frame stays.
/// </summary>
internal static class WebPStructure
{
    private const int FileHeaderBytes = 12;
    private const int ChunkHeaderBytes = 8;
    private const int CanvasChunkBytes = 10;
    private const int FrameHeaderBytes = 16;

    public static CheckedPicture Check(ReadOnlyMemory<byte> memory, PictureLimits limits)
    {
        var file = memory.Span;
        if (file.Length < FileHeaderBytes)
            throw CutShort();
        var length = BinaryPrimitives.ReadUInt32LittleEndian(file[4..]);
        if (length > file.Length - 8 || length < 4)
            throw CutShort();

        ReadOnlySpan<byte> picture = default;
        (int Width, int Height)? canvas = null;
        var orientation = ExifOrientation.Upright;
        for (var rest = file[FileHeaderBytes..(8 + (int)length)]; rest.Length > 0;)
        {
            var chunk = NextChunk(ref rest);
            var data = chunk[ChunkHeaderBytes..];
            if (chunk.StartsWith("VP8X"u8) && data.Length >= CanvasChunkBytes)
                canvas = (ReadUInt24(data[4..]) + 1, ReadUInt24(data[7..]) + 1);
            else if (chunk.StartsWith("EXIF"u8))
                orientation = ExifOrientation.Of(data);
            else if (picture.IsEmpty && chunk.StartsWith("ANMF"u8))
                picture = PictureOfFrame(data, canvas);
            else if (picture.IsEmpty && IsPicture(chunk))
                picture = chunk;
        }

        if (picture.IsEmpty)
            throw PictureRefusal.Damaged("is a WebP file without a picture");
        var size = SizeOf(picture);
        PictureRefusal.ThrowIfTooLarge(size.Width, size.Height, limits);
        if (canvas is not null && canvas != size)
            throw PictureRefusal.Damaged("is a WebP picture whose headers name two different sizes");
        return new CheckedPicture(SimpleFile(picture), orientation);
    }

    // The frame's place and size are followed by chunks of its own.
    private static ReadOnlySpan<byte> PictureOfFrame(ReadOnlySpan<byte> frame, (int Width, int Height)? canvas)
    {
        if (frame.Length < FrameHeaderBytes)
            throw CutShort();
        var fillsCanvas = ReadUInt24(frame) == 0 && ReadUInt24(frame[3..]) == 0
            && canvas == (ReadUInt24(frame[6..]) + 1, ReadUInt24(frame[9..]) + 1);
        if (!fillsCanvas)
            throw PictureRefusal.Unsupported("is an animated WebP picture whose first frame is only a part of it, which can't be read");
        for (var rest = frame[FrameHeaderBytes..]; rest.Length > 0;)
        {
            var chunk = NextChunk(ref rest);
            if (IsPicture(chunk))
                return chunk;
        }
        return default;
    }

    // Chunks carry their length, and are padded to an even one.
    private static ReadOnlySpan<byte> NextChunk(scoped ref ReadOnlySpan<byte> rest)
    {
        if (rest.Length < ChunkHeaderBytes)
            throw CutShort();
        var length = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
        if (length > rest.Length - ChunkHeaderBytes)
            throw CutShort();
        var chunk = rest[..(ChunkHeaderBytes + (int)length)];
        rest = rest[Math.Min(rest.Length, chunk.Length + (chunk.Length & 1))..];
        return chunk;
    }

    private static bool IsPicture(ReadOnlySpan<byte> chunk) => chunk.StartsWith("VP8 "u8) || chunk.StartsWith("VP8L"u8);

    // RFC 6386, section 9.1, and the specification of WebP's lossless bitstream, section 3.
    private static (int Width, int Height) SizeOf(ReadOnlySpan<byte> picture)
    {
        var isLossless = picture[3] == 'L';
        var data = picture[ChunkHeaderBytes..];
        if (data.Length < (isLossless ? 5 : 10))
            throw CutShort();
        if (isLossless)
        {
            var bits = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
            return ((int)(bits & 0x3FFF) + 1, (int)(bits >> 14 & 0x3FFF) + 1);
        }
        return (BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFF);
    }

    private static byte[] SimpleFile(ReadOnlySpan<byte> picture)
    {
        var file = new byte[FileHeaderBytes + picture.Length + (picture.Length & 1)];
        "RIFF"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - 8);
        "WEBP"u8.CopyTo(file.AsSpan(8));
        picture.CopyTo(file.AsSpan(FileHeaderBytes));
        return file;
    }

    private static int ReadUInt24(ReadOnlySpan<byte> data) => data[0] | data[1] << 8 | data[2] << 16;

    private static PictureRefusal CutShort() => PictureRefusal.Damaged("is a WebP picture that is cut short");
}
