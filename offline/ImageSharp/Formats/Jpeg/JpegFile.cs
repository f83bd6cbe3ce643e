using System.Buffers.Binary;

namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>Reads a file's segments (T.81, annex B) one after the other: tables, frame header, scans.</summary>
internal sealed class JpegFile(ReadOnlyMemory<byte> data)
{
    // Progressive scans can say "nothing here" for a whole picture in a few bytes; without a bound, a small file could
    // keep a processor busy for hours.
    private const int MostScans = 500;

    private readonly ushort[]?[] quantisation = new ushort[4][];
    private readonly JpegHuffmanTable?[] dcTables = new JpegHuffmanTable[4];
    private readonly JpegHuffmanTable?[] acTables = new JpegHuffmanTable[4];
    private int restartInterval;
    private int scans;
    private int position = 2;
    private bool hasJfif;

    public JpegFrame? Frame { get; private set; }

    /// <summary>The Adobe segment's word on colours: 0 as they are, 1 YCbCr, 2 YCCK; null without one.</summary>
    public int? ColorTransform { get; private set; }

    public int Orientation { get; private set; } = 1;

    private ReadOnlySpan<byte> Data => data.Span;

    /// <summary>Reads up to the frame header.</summary>
    public void ReadToFrame()
    {
        while (Frame is null)
        {
            if (!ReadSegment())
            {
                throw new InvalidImageContentException("the JPEG has no frame header");
            }
        }
    }

    /// <summary>Reads everything: afterwards, the frame's components have their samples.</summary>
    public JpegFrame ReadAll()
    {
        while (ReadSegment())
        {
        }

        if (Frame is null || scans == 0)
        {
            throw new InvalidImageContentException("the JPEG has no pixels");
        }

        foreach (JpegComponent component in Frame.Components)
        {
            if (component.Quantisation is null)
            {
                throw new InvalidImageContentException("the JPEG lacks one of its colour components");
            }

            if (Frame.IsProgressive)
            {
                JpegTransform.Invert(component);
            }
        }

        if (hasJfif && Frame.Components.Length == 3)
        {
            ColorTransform = 1;
        }

        return Frame;
    }

    private bool ReadSegment()
    {
        byte marker = NextMarker();
        if (marker == 0xD9)
        {
            return false;
        }

        // Markers without a segment: restarts that a scan left over, and "temporary".
        if (marker is (>= 0xD0 and <= 0xD7) or 0x01)
        {
            return true;
        }

        ReadOnlySpan<byte> rest = Data[position..];
        int length = rest.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(rest) : 0;
        if (length < 2 || length > rest.Length)
        {
            throw new InvalidImageContentException("the JPEG ends within a segment");
        }

        ReadOnlySpan<byte> segment = rest[2..length];
        position += length;
        switch (marker)
        {
            case 0xC0 or 0xC1 or 0xC2:
                Frame = Frame is null
                    ? new JpegFrame(segment, isProgressive: marker == 0xC2)
                    : throw new InvalidImageContentException("the JPEG has two frame headers");
                break;
            case >= 0xC3 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC):
                throw new NotSupportedException("JPEG with lossless, hierarchical or arithmetic coding is not supported");
            case 0xC4:
                ReadHuffmanTables(segment);
                break;
            case 0xDA:
                ReadScan(segment);
                break;
            case 0xDB:
                ReadQuantisationTables(segment);
                break;
            case 0xDD:
                restartInterval = segment.Length == 2
                    ? BinaryPrimitives.ReadUInt16BigEndian(segment)
                    : throw new InvalidImageContentException("the restart interval of the JPEG has the wrong length");
                break;
            case 0xE0:
                hasJfif |= segment.StartsWith("JFIF\0"u8);
                break;
            case 0xE1 when segment.StartsWith("Exif\0\0"u8):
                Orientation = ExifOrientation.Read(segment[6..]);
                break;
            case 0xEE when segment.Length >= 12 && segment.StartsWith("Adobe"u8):
                ColorTransform = segment[11];
                break;
        }

        return true;
    }

    private byte NextMarker()
    {
        // Between segments there should be nothing; what stray bytes there are, other decoders skip too.
        while (position + 1 < data.Length)
        {
            int offset = Data[position..].IndexOf((byte)0xFF);
            if (offset < 0)
            {
                break;
            }

            position += offset + 1;
            if (position < data.Length && Data[position] is not (0 or 0xFF))
            {
                return Data[position++];
            }
        }

        throw new InvalidImageContentException("the JPEG ends before its end marker");
    }

    private void ReadQuantisationTables(ReadOnlySpan<byte> segment)
    {
        while (segment.Length > 0)
        {
            (int bytes, int index) = ((segment[0] >> 4) + 1, segment[0] & 15);
            if (bytes > 2 || index > 3 || segment.Length < 1 + (64 * bytes))
            {
                throw new InvalidImageContentException("a quantisation table of the JPEG is damaged");
            }

            ushort[] table = new ushort[64];
            for (int i = 0; i < 64; i++)
            {
                table[i] = bytes == 1 ? segment[1 + i] : BinaryPrimitives.ReadUInt16BigEndian(segment[(1 + (2 * i))..]);
            }

            quantisation[index] = table;
            segment = segment[(1 + (64 * bytes))..];
        }
    }

    private void ReadHuffmanTables(ReadOnlySpan<byte> segment)
    {
        while (segment.Length > 0)
        {
            if (segment.Length < 17 || (segment[0] >> 4) > 1 || (segment[0] & 15) > 3)
            {
                throw new InvalidImageContentException("a Huffman table of the JPEG is damaged");
            }

            ReadOnlySpan<byte> counts = segment.Slice(1, 16);
            int total = 0;
            foreach (byte count in counts)
            {
                total += count;
            }

            if (total > 256 || segment.Length < 17 + total)
            {
                throw new InvalidImageContentException("a Huffman table of the JPEG is cut short");
            }

            JpegHuffmanTable?[] tables = segment[0] >> 4 == 0 ? dcTables : acTables;
            tables[segment[0] & 15] = new JpegHuffmanTable(counts, segment.Slice(17, total));
            segment = segment[(17 + total)..];
        }
    }

    private void ReadScan(ReadOnlySpan<byte> segment)
    {
        if (Frame is null)
        {
            throw new InvalidImageContentException("the JPEG has pixels before its frame header");
        }

        if (++scans > MostScans)
        {
            throw new InvalidImageContentException($"the JPEG has more than {MostScans} scans");
        }

        int count = segment.Length > 0 ? segment[0] : 0;
        if (count is < 1 or > 4 || segment.Length != 4 + (2 * count))
        {
            throw new InvalidImageContentException("a scan header of the JPEG is damaged");
        }

        var components = new JpegComponent[count];
        for (int i = 0; i < count; i++)
        {
            byte id = segment[1 + (2 * i)];
            int tables = segment[2 + (2 * i)];
            JpegComponent? component = Array.Find(Frame.Components, c => c.Id == id);
            if (component is null || Array.IndexOf(components, component) >= 0 || tables >> 4 > 3 || (tables & 15) > 3)
            {
                throw new InvalidImageContentException("a scan of the JPEG refers to what doesn't exist");
            }

            component.DcTable = dcTables[tables >> 4];
            component.AcTable = acTables[tables & 15];
            component.Quantisation ??= quantisation[component.QuantisationIndex]
                ?? throw new InvalidImageContentException("the JPEG lacks a quantisation table");
            components[i] = component;
        }

        if (Frame.Components[0].Samples.Length == 0)
        {
            foreach (JpegComponent component in Frame.Components)
            {
                component.Allocate(Frame);
            }
        }

        ReadOnlySpan<byte> parameters = segment[^3..];
        var scan = new JpegScan(Frame, components, restartInterval)
        {
            First = parameters[0],
            Last = parameters[1],
            PreviousShift = parameters[2] >> 4,
            Shift = parameters[2] & 15,
        };
        position = scan.Decode(Data, position);
    }
}
