using System.IO.Compression;

namespace Fpn.IlGpu.Weights;

/// <summary>The bytes of a deflated zip entry (RFC 1951). Inflates no further than the last byte that is read.</summary>
internal sealed class DeflatedBytes(TensorBytes file, ZipEntry entry, SourceName source) : ByteSource(entry.Size)
{
    public override long StoredLength => entry.CompressedSize;

    public override bool IsSequential => true;

    protected override ByteCursor Open(long offset)
    {
        var compressed = file.Copy(entry.DataOffset, (int)entry.CompressedSize);
        var cursor = new Cursor(new DeflateStream(new MemoryStream(compressed), CompressionMode.Decompress), entry, source);
        var skipped = new byte[(int)Math.Min(offset, 1 << 16)];
        for (var left = offset; left > 0; left -= Math.Min(left, skipped.Length))
            cursor.Read(skipped.AsSpan(0, (int)Math.Min(left, skipped.Length)));
        return cursor;
    }

    private sealed class Cursor(DeflateStream inflate, ZipEntry entry, SourceName source) : ByteCursor
    {
        private long at;

        public override void Read(Span<byte> target)
        {
            try
            {
                inflate.ReadExactly(target);
                at += target.Length;
                if (at == entry.Size && inflate.ReadByte() >= 0)
                    throw source.Wrong($"the entry {entry.Shown} inflates to more than the {entry.Size} bytes that it claims");
            }
            catch (EndOfStreamException e)
            {
                throw source.Wrong($"the entry {entry.Shown} inflates to less than the {entry.Size} bytes that it claims", e);
            }
            catch (InvalidDataException e)
            {
                throw source.Wrong($"the entry {entry.Shown} is damaged: it can't be inflated", e);
            }
        }

        public override void Dispose() => inflate.Dispose();
    }
}
