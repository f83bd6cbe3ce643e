using SixLabors.ImageSharp.PixelFormats;

namespace SixLabors.ImageSharp.Formats;

internal interface IImageDecoder
{
    /// <summary>Whether a file that begins with these bytes is of this format.</summary>
    bool Recognises(ReadOnlySpan<byte> data);

    /// <summary>The size that the header claims; allocates nothing of that size.</summary>
    ImageInfo Identify(ReadOnlyMemory<byte> data);

    Image<Rgb24> Decode(ReadOnlyMemory<byte> data);
}

internal interface IImageEncoder
{
    void Encode(Image<Rgb24> image, Stream stream);
}

internal sealed class DecoderOptions
{
    public required Configuration Configuration { get; init; }

    /// <summary>Pictures have one frame here; kept for the package, where animations have more.</summary>
    public uint MaxFrames { get; init; } = 1;
}
