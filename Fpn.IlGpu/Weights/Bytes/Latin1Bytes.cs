namespace Fpn.IlGpu.Weights;

/// <summary>
/// Bytes that a pickle stores as UTF-8 text, with one character from U+0000 to U+00FF per byte. Python 3 writes an array's
/// bytes like this up to protocol 2 (<c>_codecs.encode(text, 'latin1')</c>). A byte from 0x80 on takes two bytes: 0xC2 or 0xC3,
/// which holds its upper two bits, and one that holds the other six.
/// </summary>
internal sealed class Latin1Bytes : ByteSource
{
    private const int PartBytes = 1 << 18;

    private readonly StoredBytes text;

    private Latin1Bytes(StoredBytes text, long length)
        : base(length) => this.text = text;

    public override bool IsSequential => true;

    /// <summary>Returns the bytes; null if the text has other characters or is not valid UTF-8.</summary>
    public static Latin1Bytes? Of(StoredBytes text)
    {
        long length = 0;
        int wrong = 0, afterLead = 0;
        var part = new byte[(int)Math.Min(PartBytes, text.Length)];
        for (long at = 0; at < text.Length; at += part.Length)
        {
            var read = part.AsSpan(0, (int)Math.Min(part.Length, text.Length - at));
            text.CopyTo(at, read);
            // Branch-free: the bytes of weights are nearly random, so branches would be unpredictable.
            foreach (var b in read)
            {
                int lead = Lead(b), follows = b >> 7 & ~(b >> 6);
                wrong |= (follows ^ afterLead) | -lead & (b & 0x3E ^ 0x02);
                afterLead = lead;
                length += 1 - lead;
            }
        }
        return (wrong | afterLead) != 0 ? null : new Latin1Bytes(text, length);
    }

    /// <summary>1 for a byte 0b11xxxxxx, which begins a character of more than one byte; otherwise 0.</summary>
    private static int Lead(byte b) => b >> 7 & b >> 6;

    protected override ByteCursor Open(long offset)
    {
        var cursor = new Cursor(text);
        var skipped = new byte[(int)Math.Min(offset, PartBytes)];
        for (var left = offset; left > 0; left -= Math.Min(left, skipped.Length))
            cursor.Read(skipped.AsSpan(0, (int)Math.Min(left, skipped.Length)));
        return cursor;
    }

    private sealed class Cursor(StoredBytes text) : ByteCursor
    {
        private readonly byte[] encoded = new byte[(int)Math.Min(PartBytes, text.Length)];
        private long next;
        private int at, end;
        private int upperBits;

        public override void Read(Span<byte> target)
        {
            while (!target.IsEmpty)
            {
                if (at == end)
                    Fill();
                target = target[Decode(target)..];
            }
        }

        public override void Dispose()
        {
            // The dictionary owns the file.
        }

        private void Fill()
        {
            (at, end) = (0, (int)Math.Min(encoded.Length, text.Length - next));
            text.CopyTo(next, encoded.AsSpan(0, end));
            next += end;
        }

        /// <summary>Decodes until the target is full or no input is left. Returns the number of decoded bytes.</summary>
        private int Decode(Span<byte> target)
        {
            ReadOnlySpan<byte> from = encoded.AsSpan(at, end - at);
            int count = 0, i = 0, upper = upperBits;
            for (; i < from.Length && count < target.Length; i++)
            {
                var b = from[i];
                var lead = Lead(b);
                // The value that a lead byte writes here is overwritten by the next byte.
                target[count] = (byte)(upper | (b & 0x7F));
                upper = (b & 0x03) << 6 & -lead;
                count += 1 - lead;
            }
            upperBits = upper;
            at += i;
            return count;
        }
    }
}
