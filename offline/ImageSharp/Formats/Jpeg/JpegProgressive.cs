namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>Decodes one scan's share of each block of a progressive frame (T.81, annex G).</summary>
internal struct JpegProgressive(int first, int last, int previousShift, int shift)
{
    // Blocks, from this one on, that get nothing more from this scan (but bits for what they have).
    private int endOfBandRun;

    public void Restart() => endOfBandRun = 0;

    /// <summary>Adds to a block's 64 coefficients, which are in natural order.</summary>
    public void DecodeBlock(ref JpegBits bits, JpegComponent component, Span<short> block)
    {
        if (first == 0)
        {
            DecodeDc(ref bits, component, block);
        }
        else if (previousShift == 0)
        {
            DecodeFirst(ref bits, component.AcTable!, block);
        }
        else
        {
            Refine(ref bits, component.AcTable!, block);
        }
    }

    private readonly void DecodeDc(ref JpegBits bits, JpegComponent component, Span<short> block)
    {
        bits.Fill();
        if (previousShift > 0)
        {
            block[0] |= (short)(bits.Read(1) << shift);
            return;
        }

        component.Prediction += bits.ReadSigned(component.DcTable!.Decode(ref bits) & 15);
        block[0] = (short)(component.Prediction << shift);
    }

    private void DecodeFirst(ref JpegBits bits, JpegHuffmanTable table, Span<short> block)
    {
        if (endOfBandRun > 0)
        {
            endOfBandRun--;
            return;
        }

        ReadOnlySpan<byte> natural = JpegTransform.NaturalOrder;
        for (int k = first; k <= last; k++)
        {
            bits.Fill();
            int symbol = table.Decode(ref bits);
            (int run, int size) = (symbol >> 4, symbol & 15);
            if (size == 0)
            {
                if (run < 15)
                {
                    endOfBandRun = ReadRun(ref bits, run) - 1;
                    return;
                }

                k += 15;
                continue;
            }

            k += run;
            if (k > last)
            {
                throw new InvalidImageContentException("a block of the JPEG has more coefficients than its scan");
            }

            block[natural[k]] = (short)(bits.ReadSigned(size) << shift);
        }
    }

    // Coefficients that are already there get one more bit; between them, new ones of one bit appear.
    private void Refine(ref JpegBits bits, JpegHuffmanTable table, Span<short> block)
    {
        ReadOnlySpan<byte> natural = JpegTransform.NaturalOrder;
        int one = 1 << shift;
        int k = first;
        if (endOfBandRun == 0)
        {
            for (; k <= last; k++)
            {
                bits.Fill();
                int symbol = table.Decode(ref bits);
                (int zeros, int size) = (symbol >> 4, symbol & 15);
                int value = 0;
                if (size != 0)
                {
                    value = bits.Read(1) != 0 ? one : -one;
                }
                else if (zeros < 15)
                {
                    endOfBandRun = ReadRun(ref bits, zeros);
                    break;
                }

                for (; k <= last; k++)
                {
                    ref short coefficient = ref block[natural[k]];
                    if (coefficient != 0)
                    {
                        RefineOne(ref bits, ref coefficient, one);
                    }
                    else if (--zeros < 0)
                    {
                        coefficient = (short)value;
                        break;
                    }
                }
            }
        }

        if (endOfBandRun > 0)
        {
            for (; k <= last; k++)
            {
                ref short coefficient = ref block[natural[k]];
                if (coefficient != 0)
                {
                    RefineOne(ref bits, ref coefficient, one);
                }
            }

            endOfBandRun--;
        }
    }

    private static int ReadRun(ref JpegBits bits, int size) => (1 << size) + (size == 0 ? 0 : bits.Read(size));

    private static void RefineOne(ref JpegBits bits, ref short coefficient, int one)
    {
        if (bits.ReadBit() && (coefficient & one) == 0)
        {
            coefficient += (short)(coefficient >= 0 ? one : -one);
        }
    }
}
