using System.Buffers;
using System.Buffers.Binary;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Walks over the segments of a JPEG, and gives the decoder a copy that has what the pixels depend on: tables, headers
/// and scans, but no profiles, thumbnails or bytes that belong to no segment. What the scans code isn't looked at:
/// damage that moves no marker stays unseen.
/// </summary>
internal sealed class JpegStructure
{
    // Each scan makes the decoder walk over its components again. Encoders write about six scans for each component; of
    // small pictures, any number may be scanned.
    private const int MostScansOfComponent = 16;
    private const long AlwaysScannedSamples = 1 << 26;

    private readonly PictureLimits limits;
    private readonly ArrayBufferWriter<byte> clean;
    private readonly JpegHuffmanTables huffman = new();
    private readonly HashSet<int> quantisation = [];
    private readonly HashSet<int> begun = [];
    private JpegFrame? frame;
    private int orientation = ExifOrientation.Upright;
    private int restartInterval;
    private long scannedSamples;

    private JpegStructure(PictureLimits limits, int length)
    {
        this.limits = limits;
        clean = new ArrayBufferWriter<byte>(length);
    }

    public static CheckedPicture Check(ReadOnlyMemory<byte> file, PictureLimits limits)
    {
        var structure = new JpegStructure(limits, file.Length);
        structure.Walk(file.Span);
        return new CheckedPicture(structure.clean.WrittenMemory, structure.orientation);
    }

    private void Walk(ReadOnlySpan<byte> file)
    {
        var rest = file[2..];
        clean.Write<byte>([0xFF, JpegMarker.StartOfImage]);
        while (true)
        {
            var marker = NextMarker(ref rest);
            if (marker == JpegMarker.EndOfImage)
                break;
            if (marker == JpegMarker.StartOfImage)
                throw PictureRefusal.Damaged("is a JPEG within which another one begins");
            if (JpegMarker.StandsAlone(marker))
                continue;
            var segment = NextSegment(ref rest);
            var data = segment[2..];
            switch (marker)
            {
                case JpegMarker.Sof0 or JpegMarker.Sof1 or JpegMarker.Sof2:
                    BeginFrame(JpegFrame.Parse(marker == JpegMarker.Sof2, data));
                    Copy(marker, segment);
                    break;
                case JpegMarker.HuffmanTables:
                    huffman.Define(data);
                    Copy(marker, segment);
                    break;
                case JpegMarker.QuantisationTables:
                    DefineQuantisation(data);
                    Copy(marker, segment);
                    break;
                case JpegMarker.RestartInterval when data.Length == 2:
                    restartInterval = BinaryPrimitives.ReadUInt16BigEndian(data);
                    Copy(marker, segment);
                    break;
                case JpegMarker.StartOfScan:
                    ReadScan(segment, ref rest);
                    break;
                case JpegMarker.App0 when data.StartsWith("JFIF\0"u8):
                case JpegMarker.App14 when data.StartsWith("Adobe"u8):
                    // Both say whether the components are RGB or luma and chroma.
                    Copy(marker, segment);
                    break;
                case JpegMarker.App1 when data.StartsWith(ExifOrientation.Prefix):
                    orientation = ExifOrientation.Of(data);
                    break;
                case >= JpegMarker.Sof0 and <= JpegMarker.Sof15:
                    throw PictureRefusal.Unsupported("is a JPEG with lossless, hierarchical or arithmetic coding, which can't be read");
                default:
                    break;
            }
        }
        if (frame is null || begun.Count < frame.Components.Count)
            throw PictureRefusal.Damaged("is a JPEG that lacks some of its components' pixels");
        clean.Write<byte>([0xFF, JpegMarker.EndOfImage]);
    }

    // As libjpeg does: skips bytes that belong to no segment, and any number of 0xFF before the marker.
    private static byte NextMarker(scoped ref ReadOnlySpan<byte> rest)
    {
        while (true)
        {
            var at = rest.IndexOf((byte)0xFF);
            if (at < 0 || at + 1 >= rest.Length)
                throw CutShort();
            rest = rest[(at + 1)..];
            if (rest[0] is not (0 or 0xFF))
            {
                var marker = rest[0];
                rest = rest[1..];
                return marker;
            }
        }
    }

    // The length, which counts itself, and what follows it.
    private static ReadOnlySpan<byte> NextSegment(scoped ref ReadOnlySpan<byte> rest)
    {
        if (rest.Length < 2)
            throw CutShort();
        var length = BinaryPrimitives.ReadUInt16BigEndian(rest);
        if (length < 2)
            throw PictureRefusal.Damaged("is a JPEG with a segment shorter than its own length");
        if (length > rest.Length)
            throw CutShort();
        var segment = rest[..length];
        rest = rest[length..];
        return segment;
    }

    private void Copy(byte marker, ReadOnlySpan<byte> segment)
    {
        clean.Write<byte>([0xFF, marker]);
        clean.Write(segment);
    }

    private void BeginFrame(JpegFrame next)
    {
        if (frame is not null)
            throw PictureRefusal.Damaged("is a JPEG with two frame headers");
        PictureRefusal.ThrowIfTooLarge(next.Width, next.Height, limits);
        frame = next;
    }

    private void DefineQuantisation(ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            var length = data[0] >> 4 == 0 ? 1 + 64 : 1 + 128;
            if (data.Length < length)
                throw PictureRefusal.Damaged("is a JPEG with a damaged table of quantisation");
            quantisation.Add(data[0] & 15);
            data = data[length..];
        }
    }

    private void ReadScan(ReadOnlySpan<byte> segment, scoped ref ReadOnlySpan<byte> rest)
    {
        if (frame is null)
            throw PictureRefusal.Damaged("is a JPEG without a frame header");
        var scan = JpegScan.Parse(frame, segment[2..]);
        CheckOrder(frame, scan);
        var coded = JpegScanData.Take(ref rest, restartInterval, frame.UnitsOf(scan.Components));
        var blocks = frame.BlocksOf(scan.Components);
        if (coded.Length * 8L < blocks * scan.LeastBitsPerBlock)
            throw PictureRefusal.Damaged("is a JPEG whose data are far too small for the size it claims");
        scannedSamples += blocks * JpegFrame.SamplesPerBlock;
        if (scannedSamples > Math.Max(AlwaysScannedSamples, MostScansOfComponent * frame.Samples))
            throw PictureRefusal.Unsupported("is a JPEG with too many scans for its size");
        clean.Write(huffman.MissingFor(scan));
        Copy(JpegMarker.StartOfScan, segment);
        clean.Write(coded);
    }

    private void CheckOrder(JpegFrame whole, JpegScan scan)
    {
        foreach (var component in scan.Components)
        {
            if (!quantisation.Contains(whole.Components[component].Quantisation))
                throw PictureRefusal.Damaged("is a JPEG without the table of quantisation that it refers to");
            if (scan.HasDc && !scan.IsRefinement && !begun.Add(component))
                throw PictureRefusal.Damaged("is a JPEG that has the pixels of a component twice");
        }
        // ImageSharp 2.1.13 decodes such a scan into the wrong rows.
        if (!whole.IsProgressive && scan.Components.Length > 1 && scan.Components.Length < whole.Components.Count)
            throw PictureRefusal.Unsupported("is a JPEG whose scans have some but not all of its components, which can't be read");
    }

    private static PictureRefusal CutShort() => PictureRefusal.Damaged("is a JPEG that is cut short");
}
