using System.Numerics;

namespace SixLabors.ImageSharp.Formats.Png;

/// <summary>PNG's five row filters (PNG specification, section 9): each predicts a byte from its neighbours.</summary>
internal static class PngFilter
{
    private const int None = 0;
    private const int Sub = 1;
    private const int Up = 2;
    private const int Average = 3;
    private const int Paeth = 4;

    /// <summary>Adds the prediction to each byte of a row, whose pixels are <paramref name="step"/> bytes apart.</summary>
    public static void Undo(byte filter, Span<byte> row, ReadOnlySpan<byte> above, int step)
    {
        above = above[..row.Length];
        int first = Math.Min(step, row.Length);
        switch (filter)
        {
            case None:
                break;
            case Sub:
                for (int i = step; i < row.Length; i++)
                {
                    row[i] += row[i - step];
                }

                break;
            case Up:
                int at = 0;
                for (; at <= row.Length - Vector<byte>.Count; at += Vector<byte>.Count)
                {
                    (new Vector<byte>(row[at..]) + new Vector<byte>(above[at..])).CopyTo(row[at..]);
                }

                for (; at < row.Length; at++)
                {
                    row[at] += above[at];
                }

                break;
            case Average:
                for (int i = 0; i < first; i++)
                {
                    row[i] += (byte)(above[i] >> 1);
                }

                for (int i = step; i < row.Length; i++)
                {
                    row[i] += (byte)((row[i - step] + above[i]) >> 1);
                }

                break;
            case Paeth:
                for (int i = 0; i < first; i++)
                {
                    row[i] += above[i];
                }

                for (int i = step; i < row.Length; i++)
                {
                    row[i] += Predict(row[i - step], above[i], above[i - step]);
                }

                break;
            default:
                throw new InvalidImageContentException($"the PNG has a row with filter {filter}, which doesn't exist");
        }
    }

    /// <summary>Writes the row as differences: to the left on the first row, to the row above on others.</summary>
    public static byte Apply(ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int step, bool isFirst, Span<byte> to)
    {
        row[..step].CopyTo(to);
        if (isFirst)
        {
            for (int i = step; i < row.Length; i++)
            {
                to[i] = (byte)(row[i] - row[i - step]);
            }

            return Sub;
        }

        for (int i = 0; i < step; i++)
        {
            to[i] = (byte)(row[i] - above[i]);
        }

        for (int i = step; i < row.Length; i++)
        {
            to[i] = (byte)(row[i] - Predict(row[i - step], above[i], above[i - step]));
        }

        return Paeth;
    }

    // Whichever of left, up and upper left is nearest to left + up - upper left; ties in that order.
    private static byte Predict(int left, int up, int upperLeft)
    {
        int fromLeft = Math.Abs(up - upperLeft);
        int fromUp = Math.Abs(left - upperLeft);
        int fromUpperLeft = Math.Abs(left + up - upperLeft - upperLeft);
        return (byte)(fromLeft <= fromUp && fromLeft <= fromUpperLeft ? left : fromUp <= fromUpperLeft ? up : upperLeft);
    }
}
