using System.Runtime.CompilerServices;
using SixLabors.ImageSharp.PixelFormats;

namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>Makes rows of RGB pixels of the components' samples: upsampling, then colour conversion (JFIF 1.02).</summary>
internal sealed class JpegRows
{
    private readonly JpegFrame frame;
    private readonly JpegUpsampling[] upsampling;
    private readonly bool isYcc;

    // What Cr adds to red, Cb to blue, and both (16 fractional bits) to green.
    private readonly int[] redOfCr = new int[256];
    private readonly int[] blueOfCb = new int[256];
    private readonly int[] greenOfCr = new int[256];
    private readonly int[] greenOfCb = new int[256];

    public JpegRows(JpegFrame frame, int? colorTransform)
    {
        this.frame = frame;
        upsampling = Array.ConvertAll(frame.Components, c => new JpegUpsampling(frame, c));
        isYcc = frame.Components.Length switch
        {
            // Without a word on it, three components called "RGB" are that.
            3 => colorTransform is null
                ? !(frame.Components[0].Id == 'R' && frame.Components[1].Id == 'G' && frame.Components[2].Id == 'B')
                : colorTransform != 0,
            4 => colorTransform == 2,
            _ => false,
        };

        const int Half = 1 << 15;
        for (int i = 0; i < 256; i++)
        {
            int c = i - 128;
            redOfCr[i] = ((c * 91881) + Half) >> 16; // 1.40200 * 2^16
            blueOfCb[i] = ((c * 116130) + Half) >> 16; // 1.77200 * 2^16
            greenOfCr[i] = c * -46802; // 0.71414 * 2^16
            greenOfCb[i] = (c * -22554) + Half; // 0.34414 * 2^16
        }
    }

    public void Convert(int y, Span<Rgb24> to)
    {
        ReadOnlySpan<byte> first = upsampling[0].Row(y)[..to.Length];
        if (upsampling.Length == 1)
        {
            for (int x = 0; x < to.Length; x++)
            {
                to[x] = new(first[x], first[x], first[x]);
            }

            return;
        }

        ReadOnlySpan<byte> second = upsampling[1].Row(y)[..to.Length];
        ReadOnlySpan<byte> third = upsampling[2].Row(y)[..to.Length];
        if (isYcc)
        {
            ReadOnlySpan<int> redOfCr = this.redOfCr, blueOfCb = this.blueOfCb;
            ReadOnlySpan<int> greenOfCr = this.greenOfCr, greenOfCb = this.greenOfCb;
            for (int x = 0; x < to.Length; x++)
            {
                int luma = first[x];
                int cb = second[x];
                int cr = third[x];
                to[x] = new(
                    Clamp(luma + redOfCr[cr]),
                    Clamp(luma + ((greenOfCb[cb] + greenOfCr[cr]) >> 16)),
                    Clamp(luma + blueOfCb[cb]));
            }
        }
        else
        {
            for (int x = 0; x < to.Length; x++)
            {
                to[x] = new(first[x], second[x], third[x]);
            }
        }

        if (upsampling.Length == 4)
        {
            ApplyBlack(to, upsampling[3].Row(y)[..to.Length]);
        }
    }

    // CMYK in JPEG is stored inverted, as Adobe's programs do: 255 is no ink. What is left of a colour is then the
    // product of its own ink's and black's share. (YCCK is YCbCr of the inks that aren't inverted.)
    private void ApplyBlack(Span<Rgb24> to, ReadOnlySpan<byte> black)
    {
        int invert = isYcc ? 255 : 0;
        for (int x = 0; x < to.Length; x++)
        {
            Rgb24 ink = to[x];
            int k = black[x];
            to[x] = new(Share(ink.R ^ invert, k), Share(ink.G ^ invert, k), Share(ink.B ^ invert, k));
        }
    }

    private static byte Share(int ink, int black) => (byte)(((ink * black) + 127) / 255);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Clamp(int value) => (uint)value <= 255 ? (byte)value : (byte)(~value >> 31);
}
