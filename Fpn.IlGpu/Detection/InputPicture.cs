using System.Buffers;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Detection;

/// <summary>Pixels to detect in, wherever on the host they are.</summary>
/// <param name="Width">In px.</param>
/// <param name="Height">In px.</param>
/// <param name="Rgb">[height, width, 3], 8 bit, RGB, rows from top to bottom.</param>
internal readonly record struct InputPicture(int Width, int Height, ReadOnlyMemory<byte> Rgb)
{
    public static implicit operator InputPicture(RgbImage picture) => new(picture.Width, picture.Height, picture.Pixels);
}

/// <summary>Pixels that the caller of <see cref="Detector.Detect(ReadOnlySpan{byte}, int, int, CancellationToken)"/> has pinned.</summary>
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
