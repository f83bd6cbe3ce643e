using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// The bytes of one storage or array, wherever a file keeps them: as they are, deflated, or as text. Safe to read from
/// several threads.
/// </summary>
internal abstract class ByteSource(long length)
{
    private const int PartBytes = 1 << 20;

    /// <summary>Bytes in all, decoded.</summary>
    public long Length { get; } = length;

    /// <summary>Bytes that they take in the file, which is what speaks for how much work they may be.</summary>
    public virtual long StoredLength => Length;

    /// <summary>Whether a read decodes everything that lies before it.</summary>
    public virtual bool IsSequential => false;

    /// <summary>Elements that lie one after another, as float; decoded a part at a time.</summary>
    /// <exception cref="WeightsException">They can't be decoded.</exception>
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

    /// <summary>As many bytes as <paramref name="target"/> takes.</summary>
    /// <exception cref="WeightsException">They can't be decoded.</exception>
    public void CopyTo(long offset, Span<byte> target)
    {
        using var cursor = Open(offset);
        cursor.Read(target);
    }

    /// <summary>Begins to read at a byte.</summary>
    protected abstract ByteCursor Open(long offset);
}

/// <summary>Reads bytes in their order.</summary>
internal abstract class ByteCursor : IDisposable
{
    /// <summary>The next bytes, as many as <paramref name="target"/> takes: never more than there are.</summary>
    public abstract void Read(Span<byte> target);

    public abstract void Dispose();
}

/// <summary>Bytes that lie in the file as they are.</summary>
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
            // The file belongs to the dictionary.
        }
    }
}
