using System.Buffers;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Detection;

/// <summary>The pixels of a picture in any kind of host memory.</summary>
/// <param name="Width">The width, in px.</param>
/// <param name="Height">The height, in px.</param>
/// <param name="Rgb">The pixels, [height, width, 3], 8 bit, RGB, rows from top to bottom.</param>
internal readonly record struct InputPicture(int Width, int Height, ReadOnlyMemory<byte> Rgb)
{
    public static implicit operator InputPicture(RgbImage picture) => new(picture.Width, picture.Height, picture.Pixels);

    /// <summary>Throws if a picture of a batch is null.</summary>
    /// <param name="pictures">The batch.</param>
    /// <param name="parameter">The name of the caller's parameter.</param>
    /// <exception cref="ArgumentException">A picture is null; the message has its index.</exception>
    public static void CheckBatch(IReadOnlyList<RgbImage> pictures, string parameter)
    {
        for (var n = 0; n < pictures.Count; n++)
        {
            if (pictures[n] is null)
                throw new ArgumentException($"Picture {n} of the batch is null; leave it out.", parameter);
        }
    }
}

/// <summary>Pixels that <see cref="Detector.Detect(ReadOnlySpan{byte}, int, int, CancellationToken)"/> has pinned.</summary>
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
