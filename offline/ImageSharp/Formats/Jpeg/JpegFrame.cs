namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>One colour component: its share of the frame, and where its samples go.</summary>
internal sealed class JpegComponent(byte id, int horizontal, int vertical, int quantisation)
{
    public byte Id { get; } = id;

    /// <summary>Sampling factors: blocks of this component in an MCU, across and down.</summary>
    public int Horizontal { get; } = horizontal;

    public int Vertical { get; } = vertical;

    public int QuantisationIndex { get; } = quantisation;

    /// <summary>The table that held when the component's first scan began, in zigzag order.</summary>
    public ushort[]? Quantisation { get; set; }

    /// <summary>Size in samples, without padding.</summary>
    public int Width { get; private set; }

    public int Height { get; private set; }

    /// <summary>Size in blocks, without the padding to whole MCUs that interleaved scans have.</summary>
    public int BlocksWide => (Width + 7) / 8;

    public int BlocksHigh => (Height + 7) / 8;

    /// <summary>Samples from a row to the next, padding included.</summary>
    public int Stride { get; private set; }

    public byte[] Samples { get; private set; } = [];

    /// <summary>64 a block in natural order; only progressive frames keep them, as later scans refine them.</summary>
    public short[] Coefficients { get; private set; } = [];

    public JpegHuffmanTable? DcTable { get; set; }

    public JpegHuffmanTable? AcTable { get; set; }

    /// <summary>The previous block's DC coefficient, from which the next differs by the coded amount.</summary>
    public int Prediction { get; set; }

    public void Allocate(JpegFrame frame)
    {
        Width = ((frame.Width * Horizontal) + frame.MaxHorizontal - 1) / frame.MaxHorizontal;
        Height = ((frame.Height * Vertical) + frame.MaxVertical - 1) / frame.MaxVertical;
        Stride = frame.McusWide * Horizontal * 8;
        long samples = (long)Stride * frame.McusHigh * Vertical * 8;
        if (samples > Array.MaxLength / sizeof(short))
        {
            throw new InvalidImageContentException(
                $"a JPEG of {frame.Width} x {frame.Height} px is too large to decode");
        }

        Samples = new byte[samples];
        Coefficients = frame.IsProgressive ? new short[samples] : [];
    }

    /// <summary>Where the coefficients of a block begin.</summary>
    public int CoefficientsAt(int blockX, int blockY) => ((blockY * (Stride / 8)) + blockX) * 64;

    /// <summary>Where the upper left sample of a block is.</summary>
    public int SamplesAt(int blockX, int blockY) => (blockY * 8 * Stride) + (blockX * 8);
}

/// <summary>What the frame header says (T.81, B.2.2).</summary>
internal sealed class JpegFrame
{
    private const int LargestFactor = 4;

    public JpegFrame(ReadOnlySpan<byte> segment, bool isProgressive)
    {
        if (segment.Length < 6 || segment.Length != 6 + (segment[5] * 3))
        {
            throw new InvalidImageContentException("the frame header of the JPEG has the wrong length");
        }

        if (segment[0] != 8)
        {
            throw new NotSupportedException($"JPEG with {segment[0]} bits a sample is not supported");
        }

        IsProgressive = isProgressive;
        Height = (segment[1] << 8) | segment[2];
        Width = (segment[3] << 8) | segment[4];
        if (Width == 0 || Height == 0)
        {
            throw new InvalidImageContentException($"the JPEG claims to be {Width} x {Height} px");
        }

        Components = new JpegComponent[segment[5]];
        if (Components.Length is not (1 or 3 or 4))
        {
            throw new NotSupportedException($"JPEG with {Components.Length} colour components is not supported");
        }

        for (int i = 0; i < Components.Length; i++)
        {
            ReadOnlySpan<byte> c = segment.Slice(6 + (i * 3), 3);
            (int horizontal, int vertical) = (c[1] >> 4, c[1] & 15);
            if (horizontal is < 1 or > LargestFactor || vertical is < 1 or > LargestFactor || c[2] > 3)
            {
                throw new InvalidImageContentException("a colour component of the JPEG has values out of range");
            }

            // Alone in its frame, a component is sampled once a pixel, whatever its factors say.
            Components[i] = Components.Length == 1 ? new(c[0], 1, 1, c[2]) : new(c[0], horizontal, vertical, c[2]);
            MaxHorizontal = Math.Max(MaxHorizontal, Components[i].Horizontal);
            MaxVertical = Math.Max(MaxVertical, Components[i].Vertical);
        }
    }

    public bool IsProgressive { get; }

    public int Width { get; }

    public int Height { get; }

    public JpegComponent[] Components { get; }

    public int MaxHorizontal { get; }

    public int MaxVertical { get; }

    /// <summary>Minimum coded units: the smallest rectangle of whole blocks of every component.</summary>
    public int McusWide => (Width + (8 * MaxHorizontal) - 1) / (8 * MaxHorizontal);

    public int McusHigh => (Height + (8 * MaxVertical) - 1) / (8 * MaxVertical);
}
