using System.IO.MemoryMappedFiles;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>The bytes of a weights file, mapped or in memory, and the tensors that lie in them.</summary>
internal abstract class TensorBytes : IDisposable
{
    /// <summary>A span can't hold more than this at a time; 64 MB also keeps what is mapped and read in step.</summary>
    private const int MostAtOnce = 1 << 24;

    /// <summary>Bytes in all.</summary>
    public abstract long Length { get; }

    /// <summary>The first bytes of the file, copied.</summary>
    /// <exception cref="ObjectDisposedException">The file is let go.</exception>
    public byte[] Copy(long offset, int length)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(length);
        Use(offset, length, bytes, static (span, target) => span.CopyTo(target));
        return bytes;
    }

    /// <summary>Elements that lie one after another, as float.</summary>
    /// <exception cref="ObjectDisposedException">The file is let go.</exception>
    public void Read(long offset, DataType type, Span<float> values)
    {
        while (!values.IsEmpty)
        {
            Span<float> part = values[..Math.Min(values.Length, MostAtOnce)];
            int bytes = part.Length * type.Bytes();
            Use(
                offset,
                bytes,
                new Part(part, type),
                static (span, part) => FloatConversion.ToFloat(span, part.Type, part.Values));
            values = values[part.Length..];
            offset += bytes;
        }
    }

    /// <summary>Lets go of the file; reads that are under way still end.</summary>
    public abstract void Dispose();

    /// <summary>Calls with these bytes, which stay valid until it returns.</summary>
    protected abstract void Use<T>(long offset, int length, T state, SpanUser<T> user)
        where T : allows ref struct;

    protected delegate void SpanUser<T>(ReadOnlySpan<byte> bytes, T state)
        where T : allows ref struct;

    private readonly ref struct Part(Span<float> values, DataType type)
    {
        public Span<float> Values { get; } = values;

        public DataType Type { get; } = type;
    }
}

/// <summary>A whole file, mapped: the system reads in what is touched, and may drop it again.</summary>
internal sealed unsafe class MappedBytes : TensorBytes
{
    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;

    /// <summary>Maps the file, and owns the stream from then on. It may not be empty.</summary>
    public MappedBytes(FileStream stream)
    {
        Length = stream.Length;
        file = MemoryMappedFile.CreateFromFile(
            stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    public override long Length { get; }

    public override void Dispose()
    {
        view.Dispose();
        file.Dispose();
    }

    protected override void Use<T>(long offset, int length, T state, SpanUser<T> user)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        byte* start = null;
        try
        {
            // Counts as a reference, so that a Dispose on another thread unmaps only after the release below.
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            user(new ReadOnlySpan<byte>(start + offset, length), state);
        }
        finally
        {
            if (start != null) view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }
}

/// <summary>A file that is in memory already.</summary>
internal sealed class MemoryBytes(ReadOnlyMemory<byte> memory) : TensorBytes
{
    private volatile bool disposed;

    public override long Length => memory.Length;

    public override void Dispose() => disposed = true;

    protected override void Use<T>(long offset, int length, T state, SpanUser<T> user)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        user(memory.Span.Slice((int)offset, length), state);
    }
}

/// <summary>A tensor whose elements lie one after another in a file.</summary>
internal sealed class BytesTensor(string name, ReadOnlySpan<int> shape, DataType type, TensorBytes bytes, long offset)
    : StateTensor(name, shape, type)
{
    protected override void Read(Span<float> values) => bytes.Read(offset, DataType, values);
}
