namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>
/// Gives one component's rows at the frame's width and height. Where chroma has half the samples it is interpolated
/// linearly: each new sample is 3/4 of the nearest and 1/4 of the next, across, down, or both; other ratios repeat.
/// </summary>
internal sealed class JpegUpsampling
{
    private readonly JpegFrame frame;
    private readonly JpegComponent component;
    private readonly byte[] row;
    private readonly int[] sums;
    private readonly bool doubleAcross;
    private readonly bool doubleDown;

    public JpegUpsampling(JpegFrame frame, JpegComponent component)
    {
        this.frame = frame;
        this.component = component;
        bool halfAcross = component.Horizontal * 2 == frame.MaxHorizontal;
        bool halfDown = component.Vertical * 2 == frame.MaxVertical;
        bool fullAcross = component.Horizontal == frame.MaxHorizontal;
        bool fullDown = component.Vertical == frame.MaxVertical;

        // As in libjpeg, what is two samples wide or less is repeated.
        doubleAcross = halfAcross && (halfDown || fullDown) && component.Width > 2;
        doubleDown = halfDown && (doubleAcross || fullAcross);
        bool asIs = fullAcross && fullDown;
        row = asIs ? [] : new byte[Math.Max(frame.Width, component.Width * 2)];
        sums = doubleAcross ? new int[component.Width] : [];
    }

    /// <summary>Row <paramref name="y"/> of the frame; valid until the next call.</summary>
    public ReadOnlySpan<byte> Row(int y)
    {
        if (row.Length == 0)
        {
            return Samples(y);
        }

        if (!doubleAcross && !doubleDown)
        {
            ReadOnlySpan<byte> samples = Samples(y * component.Vertical / frame.MaxVertical);
            for (int x = 0; x < frame.Width; x++)
            {
                row[x] = samples[x * component.Horizontal / frame.MaxHorizontal];
            }

            return row;
        }

        if (!doubleDown)
        {
            Widen(Samples(y), row);
            return row;
        }

        bool isUpper = (y & 1) == 0;
        ReadOnlySpan<byte> near = Samples(y / 2);
        ReadOnlySpan<byte> far = Samples(Math.Clamp(isUpper ? (y / 2) - 1 : (y / 2) + 1, 0, component.Height - 1));
        if (doubleAcross)
        {
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] = (3 * near[i]) + far[i];
            }

            WidenSums(sums, row);
        }
        else
        {
            int bias = isUpper ? 1 : 2;
            for (int i = 0; i < near.Length; i++)
            {
                row[i] = (byte)(((3 * near[i]) + far[i] + bias) >> 2);
            }
        }

        return row;
    }

    private ReadOnlySpan<byte> Samples(int y) => component.Samples.AsSpan(y * component.Stride, component.Width);

    // The two roundings alternate so that, on average, nothing gets brighter.
    private static void Widen(ReadOnlySpan<byte> from, Span<byte> to)
    {
        int last = from.Length - 1;
        to[0] = from[0];
        to[1] = (byte)(((3 * from[0]) + from[1] + 2) >> 2);
        for (int i = 1; i < last; i++)
        {
            int three = 3 * from[i];
            to[2 * i] = (byte)((three + from[i - 1] + 1) >> 2);
            to[(2 * i) + 1] = (byte)((three + from[i + 1] + 2) >> 2);
        }

        to[2 * last] = (byte)(((3 * from[last]) + from[last - 1] + 1) >> 2);
        to[(2 * last) + 1] = from[last];
    }

    // The same of sums that are four times a sample.
    private static void WidenSums(ReadOnlySpan<int> from, Span<byte> to)
    {
        int last = from.Length - 1;
        to[0] = (byte)(((4 * from[0]) + 8) >> 4);
        to[1] = (byte)(((3 * from[0]) + from[1] + 7) >> 4);
        for (int i = 1; i < last; i++)
        {
            int three = 3 * from[i];
            to[2 * i] = (byte)((three + from[i - 1] + 8) >> 4);
            to[(2 * i) + 1] = (byte)((three + from[i + 1] + 7) >> 4);
        }

        to[2 * last] = (byte)(((3 * from[last]) + from[last - 1] + 8) >> 4);
        to[(2 * last) + 1] = (byte)(((4 * from[last]) + 7) >> 4);
    }
}
