namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Why a file isn't handed to the decoder. The message is a sentence without its subject, the name of the file, and
/// without its full stop; only <see cref="PictureReader"/>, which knows the name, catches it.
/// </summary>
internal sealed class PictureRefusal(string message) : Exception(message)
{
    /// <param name="what">What is wrong, such as "is a PNG that is cut short".</param>
    public static PictureRefusal Damaged(string what) => new($"{what}; copy or export it again");

    /// <param name="what">What the file uses, such as "is a JPEG with arithmetic coding, which can't be read".</param>
    public static PictureRefusal Unsupported(string what) => new($"{what}; convert it to plain JPEG or PNG");

    /// <summary>Throws where a claimed size is above the limit. It is called before anything of that size is allocated.</summary>
    public static void ThrowIfTooLarge(long width, long height, PictureLimits limits)
    {
        if (width * height > Math.Min(limits.MaxPixels, Array.MaxLength / RgbImage.Channels))
        {
            throw new PictureRefusal(
                $"claims to be {width} x {height} px, above the limit of {limits.MaxPixels} px; "
                + "scale it down or raise the limit");
        }
        limits.BeforeDecoding?.Invoke(width * height);
    }
}
