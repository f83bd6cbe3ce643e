namespace Fpn.IlGpu.Imaging;

/// <summary>What a file is by its first bytes; its name may lie.</summary>
internal enum PictureKind
{
    Unknown,
    Jpeg,
    Png,
    Bmp,
    WebP,

    // Known, so that the message can name them, but not read.
    Gif,
    Tiff,
    Heif,
    Pdf,
}

/// <summary>Tells kinds of files apart.</summary>
internal static class PictureKinds
{
    /// <summary>Bytes that are enough to tell.</summary>
    public const int SignatureLength = 12;

    public static PictureKind Of(ReadOnlySpan<byte> start) => start switch
    {
        [0xFF, 0xD8, 0xFF, ..] => PictureKind.Jpeg,
        [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, ..] => PictureKind.Png,
        [(byte)'B', (byte)'M', ..] => PictureKind.Bmp,
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] =>
            PictureKind.WebP,
        [(byte)'G', (byte)'I', (byte)'F', (byte)'8', ..] => PictureKind.Gif,
        [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..] => PictureKind.Tiff,
        [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', ..] => PictureKind.Heif,
        [(byte)'%', (byte)'P', (byte)'D', (byte)'F', ..] => PictureKind.Pdf,
        _ => PictureKind.Unknown,
    };

    public static bool IsRead(this PictureKind kind) => kind is >= PictureKind.Jpeg and <= PictureKind.WebP;

    public static string DisplayName(this PictureKind kind) => kind switch
    {
        PictureKind.Jpeg => "JPEG",
        PictureKind.Png => "PNG",
        PictureKind.Bmp => "BMP",
        PictureKind.Gif => "GIF",
        PictureKind.Tiff => "TIFF",
        PictureKind.Heif => "HEIC or AVIF",
        PictureKind.Pdf => "PDF",
        _ => kind.ToString(),
    };
}
