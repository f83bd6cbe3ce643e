using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// The bytes of one storage or array, however the file stores them: raw, deflated or as text. Safe to read from several
/// threads.
/// </summary>
internal abstract class ByteSource(long length)
{
    private const int PartBytes = 1 << 20;

    /// <summary>The number of decoded bytes.</summary>
    public long Length { get; } = length;

    /// <summary>The number of bytes in the file, which limits how much work reading may take.</summary>
    public virtual long StoredLength => Length;

    /// <summary>Whether a read must first decode everything before it.</summary>
    public virtual bool IsSequential => false;

    /// <summary>Reads consecutive elements as float, decoding one part at a time.</summary>
    /// <exception cref="WeightsException">The bytes can't be decoded.</exception>
    public virtual void Read(long offset, DataType type, bool bigEndian, Span<float> values)
    {
        var size = type.Bytes();
        var bytes = GC.AllocateUninitializedArray<byte>((int)Math.Min(values.Length * (long)size, PartBytes));
        using var cursor = Open(offset);
        while (!values.IsEmpty)
        {
            var part = values[..Math.Min(values.Length, bytes.Length / size)];
            var encoded = bytes.AsSpan(0, part.Length * size);
            cursor.Read(encoded);
            if (bigEndian && size > 1)
            {
                for (var i = 0; i < encoded.Length; i += size)
                    encoded.Slice(i, size).Reverse();
            }

            FloatConversion.ToFloat(encoded, type, part);
            values = values[part.Length..];
        }
    }

    /// <summary>Copies bytes until <paramref name="target"/> is full.</summary>
    /// <exception cref="WeightsException">The bytes can't be decoded.</exception>
    public void CopyTo(long offset, Span<byte> target)
    {
        using var cursor = Open(offset);
        cursor.Read(target);
    }

    /// <summary>Opens a cursor at a byte offset.</summary>
    protected abstract ByteCursor Open(long offset);
}

/// <summary>Reads bytes in order.</summary>
internal abstract class ByteCursor : IDisposable
{
    /// <summary>Reads the next bytes until <paramref name="target"/> is full; the source must have enough.</summary>
    public abstract void Read(Span<byte> target);

    public abstract void Dispose();
}

/// <summary>Bytes that the file stores as they are.</summary>
internal sealed class StoredBytes(TensorBytes file, long begin, long length) : ByteSource(length)
{
    public static StoredBytes Of(byte[] bytes) => new(new MemoryBytes(bytes), 0, bytes.Length);

    public override void Read(long offset, DataType type, bool bigEndian, Span<float> values)
    {
        if (bigEndian && type.Bytes() > 1)
            base.Read(offset, type, bigEndian, values);
        else
            file.Read(begin + offset, type, values);
    }

    protected override ByteCursor Open(long offset) => new Cursor(file, begin + offset);

    private sealed class Cursor(TensorBytes file, long at) : ByteCursor
    {
        public override void Read(Span<byte> target)
        {
            file.CopyTo(at, target);
            at += target.Length;
        }

        public override void Dispose()
        {
            // The dictionary owns the file.
        }
    }
}
