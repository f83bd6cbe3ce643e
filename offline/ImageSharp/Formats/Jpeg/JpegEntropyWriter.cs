using System.Numerics;

namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>Writes blocks as Huffman codes (T.81, F.1.2).</summary>
internal sealed class JpegEntropyWriter(Stream stream)
{
    private static readonly (ushort Code, byte Length)[] Dc =
        MakeCodes(JpegEncoderTables.DcCounts, JpegEncoderTables.DcSymbols);
    private static readonly (ushort Code, byte Length)[] Ac =
        MakeCodes(JpegEncoderTables.AcCounts, JpegEncoderTables.AcSymbols);

    private readonly byte[] buffer = new byte[1 << 16];
    private int used;

    // Bits that don't fill a byte yet, the last one lowest.
    private ulong pending;
    private int count;

    /// <param name="block">Quantised coefficients in zigzag order.</param>
    /// <param name="previous">The component's DC coefficient in the block before; replaced by this one's.</param>
    public void WriteBlock(ReadOnlySpan<int> block, ref int previous)
    {
        WriteNumber(Dc, 0, block[0] - previous);
        previous = block[0];
        int run = 0;
        for (int k = 1; k < 64; k++)
        {
            if (block[k] == 0)
            {
                run++;
                continue;
            }

            for (; run > 15; run -= 16)
            {
                Write(Ac[0xF0].Code, Ac[0xF0].Length);
            }

            WriteNumber(Ac, run << 4, block[k]);
            run = 0;
        }

        if (run > 0)
        {
            Write(Ac[0].Code, Ac[0].Length);
        }
    }

    /// <summary>Fills the last byte with ones and writes out what is left.</summary>
    public void Finish()
    {
        Write(0x7F, 7);
        stream.Write(buffer, 0, used);
        used = 0;
    }

    // The number's length in bits makes the symbol; then come its bits, of a negative one those of the number less 1.
    private void WriteNumber((ushort Code, byte Length)[] codes, int symbol, int number)
    {
        int size = 32 - BitOperations.LeadingZeroCount((uint)Math.Abs(number));
        (ushort code, byte length) = codes[symbol | size];
        Write(code, length);
        if (size > 0)
        {
            Write((uint)(number < 0 ? number - 1 : number) & ((1u << size) - 1), size);
        }
    }

    private void Write(uint bits, int length)
    {
        pending = (pending << length) | bits;
        count += length;
        while (count >= 8)
        {
            count -= 8;
            byte next = (byte)(pending >> count);
            buffer[used++] = next;
            if (next == 0xFF)
            {
                buffer[used++] = 0;
            }

            if (used > buffer.Length - 2)
            {
                stream.Write(buffer, 0, used);
                used = 0;
            }
        }
    }

    private static (ushort Code, byte Length)[] MakeCodes(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        var codes = new (ushort, byte)[256];
        int code = 0, index = 0;
        for (int length = 1; length <= 16; length++, code <<= 1)
        {
            for (int i = 0; i < counts[length - 1]; i++)
            {
                codes[symbols[index++]] = ((ushort)code++, (byte)length);
            }
        }

        return codes;
    }
}
