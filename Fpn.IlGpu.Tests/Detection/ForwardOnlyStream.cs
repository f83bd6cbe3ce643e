namespace Fpn.IlGpu.Tests.Detection;

/// <summary>A stream that can't seek and tells no length, such as a request's body.</summary>
/// <param name="bytes">What it yields.</param>
/// <param name="refusesSynchronousReads">Whether it throws as ASP.NET's servers do.</param>
internal sealed class ForwardOnlyStream(byte[] bytes, bool refusesSynchronousReads = false) : Stream
{
    private readonly MemoryStream inner = new(bytes);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => refusesSynchronousReads
        ? throw new InvalidOperationException("Synchronous operations are disallowed.")
        : inner.Read(buffer, offset, Math.Min(count, 1000));

    // Less than is asked for, as a network does.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        => inner.ReadAsync(buffer[..Math.Min(buffer.Length, 1000)], cancellationToken);

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
