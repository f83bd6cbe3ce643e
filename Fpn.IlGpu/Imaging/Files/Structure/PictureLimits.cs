namespace Fpn.IlGpu.Imaging;

/// <summary>
/// What a picture may ask for before it is refused. A few bytes can claim a picture of gigabytes, so the claim is looked
/// at before anything of that size is allocated.
/// </summary>
public sealed record PictureLimits
{
    /// <summary>
    /// Most pixels, width times height. The default, 100 million (about 10 000 x 10 000), is above what cameras make and
    /// keeps decoding below about a gigabyte, or two where a PNG has 16-bit samples. Values above 715 million have no effect: no array could hold the pixels.
    /// </summary>
    public long MaxPixels { get; init; } = 100_000_000;

    /// <summary>Called with the number of pixels once it is known, before anything of that size is allocated; may wait.</summary>
    internal Action<long>? BeforeDecoding { get; init; }

    /// <summary>These limits for a picture that is decoded ahead (<see cref="Prefetch"/>).</summary>
    /// <param name="allocates">Receives the bytes that decoding is about to allocate; may wait.</param>
    internal PictureLimits Announcing(Action<long> allocates)
    {
        // The decoder's pixels, the picture's, and for some files the unpacked data or 16-bit samples.
        const int bytesOfPixel = 8;
        return this with { BeforeDecoding = pixels => allocates(pixels * bytesOfPixel) };
    }

    /// <summary>Most bytes of the encoded file or stream; 512 MiB by default.</summary>
    public int MaxBytes { get; init; } = 512 << 20;
}
