using System.Buffers;

namespace Fpn.IlGpu.Imaging;

/// <summary>The bytes of an encoded picture, as they are read from a stream.</summary>
/// <param name="name">The picture's name in messages.</param>
/// <param name="limits">What it may ask for.</param>
internal sealed class IncomingPicture(string name, PictureLimits limits)
{
    private const string Supported = "a JPEG, PNG, BMP or WebP picture";

    private ArrayBufferWriter<byte> bytes = new();

    /// <summary>What the first bytes say it is.</summary>
    public PictureKind Kind { get; private set; }

    /// <summary>All bytes so far.</summary>
    public ReadOnlyMemory<byte> Bytes => bytes.WrittenMemory;

    /// <summary>Takes the first bytes, which decide whether the rest is worth reading.</summary>
    /// <param name="start">As many bytes as a signature has, or fewer at the stream's end.</param>
    /// <param name="stream">The stream, which tells how many bytes follow if it can.</param>
    /// <exception cref="PictureException">It is no picture that is read, or is too large.</exception>
    public void Begin(ReadOnlySpan<byte> start, Stream stream)
    {
        if (start.IsEmpty)
            throw new PictureException($"{name} is empty; give {Supported}.");
        Kind = PictureKinds.Of(start);
        if (Kind == PictureKind.Unknown)
            throw new PictureException($"{name} is no picture, whatever its name says; give {Supported}.");
        if (!Kind.IsRead())
        {
            throw new PictureException(
                $"{name} is a {Kind.DisplayName()} file, which is not supported; convert it to JPEG or PNG.");
        }
        var expected = stream.CanSeek ? Math.Max(0, stream.Length - stream.Position) + start.Length : start.Length;
        CheckLength(expected);
        bytes = new ArrayBufferWriter<byte>((int)expected);
        bytes.Write(start);
    }

    /// <summary>Takes further bytes.</summary>
    /// <exception cref="PictureException">They are too many.</exception>
    public void Add(ReadOnlySpan<byte> block)
    {
        CheckLength((long)bytes.WrittenCount + block.Length);
        bytes.Write(block);
    }

    private void CheckLength(long length)
    {
        if (length > limits.MaxBytes)
        {
            throw new PictureException(
                $"{name} has more than {limits.MaxBytes} bytes, the limit for one picture; "
                + "give a smaller file or raise the limit.");
        }
    }
}
