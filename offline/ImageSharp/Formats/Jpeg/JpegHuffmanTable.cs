namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>A table of variable-length codes (T.81, annex C), with the short ones looked up at once.</summary>
internal sealed class JpegHuffmanTable
{
    private const int LongestCode = 16;
    private const int LookAhead = 10;

    // For each next LookAhead bits: code length << 8 | symbol, or 0 where the code is longer.
    private readonly ushort[] look = new ushort[1 << LookAhead];

    // For each length: one above the largest code of that length or shorter, aligned to 16 bits.
    private readonly int[] limit = new int[LongestCode + 1];

    // For each length: index of a code's symbol, less the code.
    private readonly int[] offset = new int[LongestCode + 1];
    private readonly byte[] symbols;

    /// <param name="counts">16 numbers: codes of 1 to 16 bits.</param>
    /// <param name="symbols">What the codes mean, shortest first.</param>
    public JpegHuffmanTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        this.symbols = symbols.ToArray();
        int code = 0, index = 0;
        for (int length = 1; length <= LongestCode; length++, code <<= 1)
        {
            offset[length] = index - code;
            for (int i = 0; i < counts[length - 1]; i++, code++, index++)
            {
                if (code >= 1 << length)
                {
                    throw new InvalidImageContentException("a Huffman table of the JPEG has more codes than bits allow");
                }

                if (length <= LookAhead)
                {
                    int first = code << (LookAhead - length);
                    look.AsSpan(first, 1 << (LookAhead - length)).Fill((ushort)((length << 8) | symbols[index]));
                }
            }

            limit[length] = code << (LongestCode - length);
        }
    }

    /// <summary>Reads one symbol; the reader must hold 16 bits.</summary>
    public int Decode(ref JpegBits bits)
    {
        int entry = look[bits.Peek(LookAhead)];
        if (entry != 0)
        {
            bits.Skip(entry >> 8);
            return entry & 255;
        }

        int next = bits.Peek(LongestCode);
        for (int length = LookAhead + 1; length <= LongestCode; length++)
        {
            if (next < limit[length])
            {
                bits.Skip(length);
                return symbols[(next >> (LongestCode - length)) + offset[length]];
            }
        }

        throw new InvalidImageContentException("the JPEG has a code that its Huffman table lacks");
    }
}
