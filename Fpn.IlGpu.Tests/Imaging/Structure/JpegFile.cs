namespace Fpn.IlGpu.Tests.Imaging;

/// <summary>Splits JPEGs into segments, and builds JPEGs from segments.</summary>
internal static class JpegFile
{
    public const byte FrameHeader = 0xC0;
    public const byte HuffmanTables = 0xC4;
    public const byte ScanHeader = 0xDA;
    public const byte RestartInterval = 0xDD;

    /// <summary>The segments between the image's start and end markers. A scan's segment includes its pixels.</summary>
    public static List<byte[]> Segments(byte[] file)
    {
        List<byte[]> segments = [];
        for (var at = 2; file[at + 1] != 0xD9;)
        {
            var end = at + 2 + (file[at + 2] << 8) + file[at + 3];
            if (file[at + 1] == ScanHeader)
            {
                while (file[end] != 0xFF || file[end + 1] is 0 or (>= 0xD0 and <= 0xD7))
                    end++;
            }
            segments.Add(file[at..end]);
            at = end;
        }
        return segments;
    }

    public static byte[] Of(IEnumerable<byte[]> segments) => [0xFF, 0xD8, .. segments.SelectMany(segment => segment), 0xFF, 0xD9];

    /// <summary>The file without the segments of one kind.</summary>
    public static byte[] Without(byte[] file, byte marker) => Of(Segments(file).Where(segment => segment[1] != marker));

    /// <summary>The file with each segment of one kind changed.</summary>
    public static byte[] With(byte[] file, byte marker, Func<byte[], byte[]> change)
        => Of(Segments(file).Select(segment => segment[1] == marker ? change(segment) : segment));

    /// <summary>
    /// A progressive picture, all grey: one scan of DC coefficients and any number of scans of AC coefficients, each a few bytes
    /// that make a decoder walk over the whole picture.
    /// </summary>
    public static byte[] Progressive(int size, int scans)
    {
        var blocks = (size + 7) / 8 * ((size + 7) / 8);
        byte[] quantisation = [0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)1, 64)];
        byte[] frame = [0xFF, 0xC2, 0, 11, 8, (byte)(size >> 8), (byte)size, (byte)(size >> 8), (byte)size, 1, 1, 0x11, 0];
        // A single code of one bit in each table: no difference from the block before, and the end of 2^14 or more blocks.
        byte[] tables = [0xFF, 0xC4, 0, 38, 0x00, 1, .. new byte[15], 0, 0x10, 1, .. new byte[15], 0xE0];
        byte[] dc = [0xFF, ScanHeader, 0, 8, 1, 1, 0, 0, 0, 0, .. new byte[(blocks + 7) / 8]];
        var runs = "";
        for (int rest = blocks, run; rest > 0; rest -= run)
        {
            run = Math.Clamp(rest, 1 << 14, (1 << 15) - 2);
            runs += $"0{Convert.ToString(run - (1 << 14), 2).PadLeft(14, '0')}";
        }
        var ends = runs.PadRight((runs.Length + 7) / 8 * 8, '0').Chunk(8).Select(bits => Convert.ToByte(new string(bits), 2))
            .SelectMany(value => value == 0xFF ? new byte[] { 0xFF, 0 } : [value]);
        byte[] ac = [0xFF, ScanHeader, 0, 8, 1, 1, 0, 1, 63, 0, .. ends];
        return Of([quantisation, frame, tables, dc, .. Enumerable.Repeat(ac, scans)]);
    }
}
