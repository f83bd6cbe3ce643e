using SixLabors.ImageSharp.PixelFormats;

namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>
/// JPEG (ITU-T T.81): baseline, extended sequential and progressive, Huffman-coded, 8 bits a sample; grey, YCbCr with
/// any subsampling, RGB, CMYK and YCCK. Its arithmetic is libjpeg's, so that the pixels are those that most programs see.
/// </summary>
internal sealed class JpegDecoder : IImageDecoder
{
    public bool Recognises(ReadOnlySpan<byte> data) => data is [0xFF, 0xD8, 0xFF, ..];

    public ImageInfo Identify(ReadOnlyMemory<byte> data)
    {
        var file = new JpegFile(data);
        file.ReadToFrame();
        return new ImageInfo(new Size(file.Frame!.Width, file.Frame.Height));
    }

    public Image<Rgb24> Decode(ReadOnlyMemory<byte> data)
    {
        var file = new JpegFile(data);
        JpegFrame frame = file.ReadAll();
        var pixels = new Rgb24[Image.Area(frame.Width, frame.Height)];
        var rows = new JpegRows(frame, file.ColorTransform);
        for (int y = 0; y < frame.Height; y++)
        {
            rows.Convert(y, pixels.AsSpan(y * frame.Width, frame.Width));
        }

        return new Image<Rgb24>(pixels, frame.Width, frame.Height) { Orientation = file.Orientation };
    }
}
