using System.Runtime.CompilerServices;

namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>
/// The inverse discrete cosine transform of 8 x 8 blocks, in integers: Loeffler, Ligtenberg and Moschytz, "Practical
/// fast 1-D DCT algorithms with 11 multiplications" (1989), with constants of 13 fractional bits and rounding where
/// libjpeg rounds.
/// </summary>
internal static class JpegTransform
{
    private const int ConstantBits = 13;

    // Extra bits that the columns' pass keeps for the rows' pass.
    private const int PassBits = 2;

    /// <summary>Where the coefficients go that the file gives in zigzag order.</summary>
    public static ReadOnlySpan<byte> NaturalOrder =>
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
        28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
        47, 55, 62, 63,
    ];

    /// <summary>A block that has only its mean.</summary>
    public static void InvertFlat(int mean, Span<byte> to, int stride)
    {
        byte value = Sample((mean + 4) >> 3);
        for (int y = 0; y < 8; y++)
        {
            to.Slice(y * stride, 8).Fill(value);
        }
    }

    /// <summary>All blocks of a progressive component.</summary>
    public static void Invert(JpegComponent component)
    {
        ReadOnlySpan<byte> natural = NaturalOrder;
        Span<int> steps = stackalloc int[64];
        for (int k = 0; k < 64; k++)
        {
            steps[natural[k]] = component.Quantisation![k];
        }

        Span<int> block = stackalloc int[64];
        for (int y = 0; y < component.BlocksHigh; y++)
        {
            for (int x = 0; x < component.BlocksWide; x++)
            {
                ReadOnlySpan<short> coefficients = component.Coefficients.AsSpan(component.CoefficientsAt(x, y), 64);
                for (int i = 0; i < block.Length; i++)
                {
                    block[i] = coefficients[i] * steps[i];
                }

                Invert(block, component.Samples.AsSpan(component.SamplesAt(x, y)), component.Stride);
            }
        }
    }

    /// <summary>Transforms 64 coefficients in natural order, times their steps; overwrites them.</summary>
    public static void Invert(Span<int> block, Span<byte> to, int stride)
    {
        block = block[..64];
        for (int x = 0; x < 8; x++)
        {
            (int c0, int c1, int c2, int c3) = (block[x], block[8 + x], block[16 + x], block[24 + x]);
            (int c4, int c5, int c6, int c7) = (block[32 + x], block[40 + x], block[48 + x], block[56 + x]);
            if ((c1 | c2 | c3 | c4 | c5 | c6 | c7) == 0)
            {
                int flat = c0 << PassBits;
                for (int y = 0; y < 64; y += 8)
                {
                    block[y + x] = flat;
                }

                continue;
            }

            Line column = new(c0, c1, c2, c3, c4, c5, c6, c7);
            const int Shift = ConstantBits - PassBits;
            const int Half = 1 << (Shift - 1);
            block[x] = (column.Even0 + column.Odd0 + Half) >> Shift;
            block[56 + x] = (column.Even0 - column.Odd0 + Half) >> Shift;
            block[8 + x] = (column.Even1 + column.Odd1 + Half) >> Shift;
            block[48 + x] = (column.Even1 - column.Odd1 + Half) >> Shift;
            block[16 + x] = (column.Even2 + column.Odd2 + Half) >> Shift;
            block[40 + x] = (column.Even2 - column.Odd2 + Half) >> Shift;
            block[24 + x] = (column.Even3 + column.Odd3 + Half) >> Shift;
            block[32 + x] = (column.Even3 - column.Odd3 + Half) >> Shift;
        }

        for (int y = 0; y < 8; y++)
        {
            ReadOnlySpan<int> row = block.Slice(y * 8, 8);
            Span<byte> samples = to.Slice(y * stride, 8);
            Line line = new(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]);
            const int Shift = ConstantBits + PassBits + 3;
            const int Half = 1 << (Shift - 1);
            samples[0] = Sample((line.Even0 + line.Odd0 + Half) >> Shift);
            samples[7] = Sample((line.Even0 - line.Odd0 + Half) >> Shift);
            samples[1] = Sample((line.Even1 + line.Odd1 + Half) >> Shift);
            samples[6] = Sample((line.Even1 - line.Odd1 + Half) >> Shift);
            samples[2] = Sample((line.Even2 + line.Odd2 + Half) >> Shift);
            samples[5] = Sample((line.Even2 - line.Odd2 + Half) >> Shift);
            samples[3] = Sample((line.Even3 + line.Odd3 + Half) >> Shift);
            samples[4] = Sample((line.Even3 - line.Odd3 + Half) >> Shift);
        }
    }

    // Samples are coded as differences to the middle of their range.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Sample(int value)
    {
        value += 128;
        return (uint)value <= 255 ? (byte)value : (byte)(~value >> 31);
    }

    /// <summary>The transform of 8 values: the results are even + odd and, mirrored, even - odd.</summary>
    private readonly ref struct Line
    {
        public readonly int Even0, Even1, Even2, Even3;
        public readonly int Odd0, Odd1, Odd2, Odd3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Line(int c0, int c1, int c2, int c3, int c4, int c5, int c6, int c7)
        {
            // The numbers are cosines and their sums: 4433 is 0.541196100 * 2^13, and so on.
            int shared = (c2 + c6) * 4433;
            int low = shared - (c6 * 15137);
            int high = shared + (c2 * 6270);
            int sum = (c0 + c4) << ConstantBits;
            int difference = (c0 - c4) << ConstantBits;
            Even0 = sum + high;
            Even3 = sum - high;
            Even1 = difference + low;
            Even2 = difference - low;

            int z1 = (c7 + c1) * -7373;
            int z2 = (c5 + c3) * -20995;
            int z3 = c7 + c3;
            int z4 = c5 + c1;
            int z5 = (z3 + z4) * 9633;
            z3 = (z3 * -16069) + z5;
            z4 = (z4 * -3196) + z5;
            Odd3 = (c7 * 2446) + z1 + z3;
            Odd2 = (c5 * 16819) + z2 + z4;
            Odd1 = (c3 * 25172) + z2 + z3;
            Odd0 = (c1 * 12299) + z1 + z4;
        }
    }
}
