using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>Limits of a picture that is decoded ahead: its memory is announced before it is allocated.</summary>
internal static class AnnouncedLimits
{
    // The decoder's pixels, the picture's, and for some files the unpacked data or 16-bit samples.
    private const int BytesOfPixel = 8;

    /// <summary>Adds the announcement to limits.</summary>
    public static PictureLimits Of(PictureLimits limits, Action<long> allocates)
        => limits with { BeforeDecoding = pixels => allocates(pixels * BytesOfPixel) };
}
