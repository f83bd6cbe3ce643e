using SixLabors.ImageSharp.PixelFormats;

namespace SixLabors.ImageSharp.Formats;

/// <summary>A format that the package reads and the stand-in only knows by name.</summary>
internal sealed class UnreadFormat(string name, UnreadFormat.Test recognises) : IImageDecoder
{
    internal delegate bool Test(ReadOnlySpan<byte> data);

    public bool Recognises(ReadOnlySpan<byte> data) => recognises(data);

    public ImageInfo Identify(ReadOnlyMemory<byte> data) => throw Unread();

    public Image<Rgb24> Decode(ReadOnlyMemory<byte> data) => throw Unread();

    private UnknownImageFormatException Unread() =>
        new($"{name} pictures are read only by builds that use the ImageSharp package");
}
