namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>
/// Walks the blocks of one scan. Of a sequential frame a scan gives whole blocks, which become samples at once; of a
/// progressive one (T.81, annex G) it gives some coefficients, or a further bit of them.
/// </summary>
internal sealed class JpegScan(JpegFrame frame, JpegComponent[] components, int restartInterval)
{
    private readonly int[] block = new int[64];

    /// <summary>Progressive: the first and last coefficient of the scan, in zigzag order.</summary>
    public required int First { get; init; }

    public required int Last { get; init; }

    /// <summary>Progressive: how many low bits the scan before left out, and how many this one does.</summary>
    public required int PreviousShift { get; init; }

    public required int Shift { get; init; }

    /// <summary>Decodes the scan that begins at <paramref name="position"/>; returns where it ends.</summary>
    public int Decode(ReadOnlySpan<byte> file, int position)
    {
        CheckParameters();
        var bits = new JpegBits(file, position);
        var progressive = new JpegProgressive(First, Last, PreviousShift, Shift);
        bool interleaved = components.Length > 1;
        int unitsWide = interleaved ? frame.McusWide : components[0].BlocksWide;
        int unitsHigh = interleaved ? frame.McusHigh : components[0].BlocksHigh;
        int untilRestart = restartInterval;
        ResetPredictions();
        for (int y = 0; y < unitsHigh; y++)
        {
            for (int x = 0; x < unitsWide; x++)
            {
                if (restartInterval > 0 && untilRestart-- == 0)
                {
                    bits.Restart();
                    ResetPredictions();
                    progressive.Restart();
                    untilRestart = restartInterval - 1;
                }

                if (interleaved)
                {
                    foreach (JpegComponent component in components)
                    {
                        for (int v = 0; v < component.Vertical; v++)
                        {
                            for (int h = 0; h < component.Horizontal; h++)
                            {
                                int blockX = (x * component.Horizontal) + h;
                                int blockY = (y * component.Vertical) + v;
                                DecodeBlock(ref bits, ref progressive, component, blockX, blockY);
                            }
                        }
                    }
                }
                else
                {
                    DecodeBlock(ref bits, ref progressive, components[0], x, y);
                }
            }

            bits.CheckNotBeyondEnd();
        }

        return bits.Position;
    }

    private void CheckParameters()
    {
        bool valid = !frame.IsProgressive
            || (First <= Last && Last <= 63 && Shift <= 13 && (PreviousShift == 0 || PreviousShift == Shift + 1)
                && (First == 0 ? Last == 0 : components.Length == 1));
        bool needsDc = !frame.IsProgressive || (First == 0 && PreviousShift == 0);
        bool needsAc = !frame.IsProgressive || First > 0;
        foreach (JpegComponent component in components)
        {
            valid &= (!needsDc || component.DcTable is not null) && (!needsAc || component.AcTable is not null);
        }

        if (!valid)
        {
            throw new InvalidImageContentException("a scan of the JPEG has values out of range, or lacks its tables");
        }
    }

    private void ResetPredictions()
    {
        foreach (JpegComponent component in components)
        {
            component.Prediction = 0;
        }
    }

    private void DecodeBlock(
        ref JpegBits bits, ref JpegProgressive progressive, JpegComponent component, int blockX, int blockY)
    {
        if (frame.IsProgressive)
        {
            progressive.DecodeBlock(
                ref bits, component, component.Coefficients.AsSpan(component.CoefficientsAt(blockX, blockY), 64));
            return;
        }

        int last = DecodeWholeBlock(ref bits, component);
        Span<byte> to = component.Samples.AsSpan(component.SamplesAt(blockX, blockY));
        if (last == 0)
        {
            JpegTransform.InvertFlat(block[0], to, component.Stride);
        }
        else
        {
            JpegTransform.Invert(block, to, component.Stride);
            Array.Clear(block);
        }
    }

    // T.81, F.2.2: the DC coefficient as a difference, the others as runs of zeros and a value; all times their
    // quantisation step. Returns the last coefficient that was given.
    private int DecodeWholeBlock(ref JpegBits bits, JpegComponent component)
    {
        ReadOnlySpan<byte> natural = JpegTransform.NaturalOrder;
        ReadOnlySpan<ushort> steps = component.Quantisation;
        bits.Fill();
        component.Prediction += bits.ReadSigned(component.DcTable!.Decode(ref bits) & 15);
        block[0] = component.Prediction * steps[0];
        JpegHuffmanTable ac = component.AcTable!;
        int last = 0;
        for (int k = 1; k < 64; k++)
        {
            bits.Fill();
            int symbol = ac.Decode(ref bits);
            int size = symbol & 15;
            if (size == 0)
            {
                if (symbol != 0xF0)
                {
                    break;
                }

                k += 15;
                continue;
            }

            k += symbol >> 4;
            if (k > 63)
            {
                throw new InvalidImageContentException("a block of the JPEG has more than 64 coefficients");
            }

            block[natural[k]] = bits.ReadSigned(size) * steps[k];
            last = k;
        }

        return last;
    }
}
