using System.IO.MemoryMappedFiles;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>The bytes of a weights file, mapped or in memory.</summary>
internal abstract class TensorBytes : IDisposable
{
    /// <summary>Elements per part: a span can't hold a large tensor, and a part is mapped only while it is read.</summary>
    private const int MostAtOnce = 1 << 21;

    /// <summary>The number of bytes.</summary>
    public abstract long Length { get; }

    /// <summary>Copies bytes of the file into a new array.</summary>
    /// <exception cref="ObjectDisposedException">The file is released.</exception>
    public byte[] Copy(long offset, int length)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(length);
        CopyTo(offset, bytes);
        return bytes;
    }

    /// <summary>Copies bytes of the file until <paramref name="target"/> is full.</summary>
    /// <exception cref="ObjectDisposedException">The file is released.</exception>
    public void CopyTo(long offset, Span<byte> target)
        => Use(offset, target.Length, new Part<byte>(target, DataType.U8), static (span, part) => span.CopyTo(part.Values));

    /// <summary>Reads consecutive elements as float.</summary>
    /// <exception cref="ObjectDisposedException">The file is released.</exception>
    public void Read(long offset, DataType type, Span<float> values)
    {
        while (!values.IsEmpty)
        {
            var part = values[..Math.Min(values.Length, MostAtOnce)];
            var bytes = part.Length * type.Bytes();
            Use(
                offset,
                bytes,
                new Part<float>(part, type),
                static (span, part) => FloatConversion.ToFloat(span, part.Type, part.Values));
            values = values[part.Length..];
            offset += bytes;
        }
    }

    /// <summary>Releases the file. Reads in progress still finish.</summary>
    public abstract void Dispose();

    /// <summary>Calls <paramref name="user"/> with these bytes, which stay valid until it returns.</summary>
    protected abstract void Use<T>(long offset, int length, T state, SpanUser<T> user)
        where T : allows ref struct;

    protected delegate void SpanUser<T>(ReadOnlySpan<byte> bytes, T state)
        where T : allows ref struct;

    private readonly ref struct Part<T>(Span<T> values, DataType type)
    {
        public Span<T> Values { get; } = values;

        public DataType Type { get; } = type;
    }
}

/// <summary>
/// A mapped file: the system loads the pages that are touched. A large part is mapped separately while it is read, so that the
/// file's pages don't accumulate in the process's memory next to the converted weights.
/// </summary>
internal sealed unsafe class MappedBytes : TensorBytes
{
    /// <summary>The size from which a part gets its own mapping, in bytes.</summary>
    private const int LargePart = 1 << 14;

    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor whole;

    /// <summary>Maps the file and takes ownership of the stream. The file must not be empty.</summary>
    public MappedBytes(FileStream stream)
    {
        Length = stream.Length;
        file = MemoryMappedFile.CreateFromFile(
            stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        whole = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    public override long Length { get; }

    /// <summary>Maps the file at a path that the user gave.</summary>
    /// <exception cref="WeightsException">The file is missing, empty or unreadable.</exception>
    public static MappedBytes Open(string path)
    {
        if (Directory.Exists(path))
            throw new WeightsException($"{path}: is a folder, not a weights file.");
        if (!File.Exists(path))
            throw new WeightsException($"{path}: there is no such weights file.");
        try
        {
            // Checked before opening, because opening a pipe waits for a writer. Pipes and devices have length 0.
            // The full path, because .NET looks for the target of a link without a folder in the root.
            if (new FileInfo(File.ResolveLinkTarget(Path.GetFullPath(path), returnFinalTarget: true)?.FullName ?? path).Length == 0)
                throw Empty(path);
            var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0);
            try
            {
                if (!stream.CanSeek)
                    throw new WeightsException($"{path}: is a pipe or a device, not a weights file.");
                return stream.Length == 0 ? throw Empty(path) : new MappedBytes(stream);
            }
            catch
            {
                stream.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new WeightsException($"{path}: can't be read ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>The exception for an empty file.</summary>
    public static WeightsException Empty(string source) => new($"{source}: the weights file is empty.");

    public override void Dispose()
    {
        whole.Dispose();
        file.Dispose();
    }

    protected override void Use<T>(long offset, int length, T state, SpanUser<T> user)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        if (length < LargePart)
        {
            Use(whole, offset, length, state, user);
            return;
        }
        using var part = file.CreateViewAccessor(offset, length, MemoryMappedFileAccess.Read);
        Use(part, 0, length, state, user);
    }

    private static void Use<T>(
        MemoryMappedViewAccessor view, long offset, int length, T state, SpanUser<T> user)
        where T : allows ref struct
    {
        byte* start = null;
        try
        {
            // Counts as a reference, so that a Dispose on another thread unmaps only after the release below.
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            user(new ReadOnlySpan<byte>(start + view.PointerOffset + offset, length), state);
        }
        finally
        {
            if (start != null)
                view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }
}

/// <summary>A file that is already in memory.</summary>
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

/// <summary>A tensor whose elements are contiguous in a file.</summary>
internal sealed class BytesTensor(string name, ReadOnlySpan<int> shape, DataType type, TensorBytes bytes, long offset)
    : StateTensor(name, shape, type)
{
    /// <summary>The offset of its elements in the file.</summary>
    public long Begin => offset;

    internal override bool CanReadParts => true;

    protected override void Read(Span<float> values) => bytes.Read(offset, DataType, values);

    protected override void Read(long first, Span<float> values) => bytes.Read(offset + first * DataType.Bytes(), DataType, values);
}
