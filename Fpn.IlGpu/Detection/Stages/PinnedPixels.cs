using System.Buffers;

namespace Fpn.IlGpu.Detection;

/// <summary>Pixels that a detector has pinned.</summary>
internal sealed unsafe class PinnedPixels(byte* first, int length) : MemoryManager<byte>
{
    /// <inheritdoc/>
    public override Span<byte> GetSpan() => new(first, length);

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new(first + elementIndex);

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}
