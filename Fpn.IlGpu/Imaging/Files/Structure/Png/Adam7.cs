namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Puts the pixels of an interlaced PNG where they belong. Adam7 sends a picture as seven smaller ones; each takes every
/// dx-th pixel of every dy-th row (PNG specification, section 8.1). ImageSharp 2.1.13 never comes back from passes
/// without pixels, nor from passes with fewer bytes than they should have.
/// </summary>
internal static class Adam7
{
    public static IReadOnlyList<Pass> Passes { get; } =
    [
        new(0, 0, 8, 8), new(4, 0, 8, 8), new(0, 4, 4, 8), new(2, 0, 4, 4), new(0, 2, 2, 4), new(1, 0, 2, 2), new(0, 1, 1, 2),
    ];

    /// <summary>A pass: its first column and row, and the steps to the next ones.</summary>
    internal readonly record struct Pass(int X, int Y, int StepX, int StepY)
    {
        public int WidthIn(PngHeader header) => CeilDiv(header.Width - X, StepX);

        public int HeightIn(PngHeader header) => CeilDiv(header.Height - Y, StepY);

        private static int CeilDiv(int length, int step) => length <= 0 ? 0 : ((length - 1) / step) + 1;
    }

    /// <param name="header">Of the interlaced picture.</param>
    /// <param name="filtered">The filtered rows of its passes.</param>
    /// <returns>The rows of the picture, from the top, each with filter 0: none.</returns>
    /// <exception cref="EndOfStreamException">There are fewer rows than the header claims.</exception>
    public static MemoryStream Deinterlace(PngHeader header, Stream filtered)
    {
        var pitch = 1 + header.RowBytes(header.Width);
        if (pitch * header.Height > Array.MaxLength)
            throw new PictureRefusal("unpacks to more than 2 GB; scale it down");
        var rows = new byte[pitch * header.Height];
        var bytesPerPixel = Math.Max(1, header.BitsPerPixel / 8);
        foreach (var pass in Passes)
        {
            (var width, var height) = (pass.WidthIn(header), pass.HeightIn(header));
            if (width == 0)
                continue;
            var row = new byte[1 + header.RowBytes(width)];
            var above = new byte[row.Length];
            for (var y = 0; y < height; y++)
            {
                filtered.ReadExactly(row);
                PngFilter.Undo(row[0], row.AsSpan(1), above.AsSpan(1), bytesPerPixel);
                var target = rows.AsSpan((int)(pitch * (pass.Y + (y * pass.StepY))) + 1, (int)pitch - 1);
                if (header.BitsPerPixel < 8)
                    SpreadBits(row.AsSpan(1), target, width, pass, header.BitsPerPixel);
                else
                    SpreadBytes(row.AsSpan(1), target, width, pass, bytesPerPixel);
                (row, above) = (above, row);
            }
        }
        return new MemoryStream(rows);
    }

    private static void SpreadBytes(ReadOnlySpan<byte> source, Span<byte> target, int width, Pass pass, int bytesPerPixel)
    {
        for (var x = 0; x < width; x++)
        {
            var from = source.Slice(x * bytesPerPixel, bytesPerPixel);
            var to = target.Slice((pass.X + (x * pass.StepX)) * bytesPerPixel, bytesPerPixel);
            for (var i = 0; i < from.Length; i++)
                to[i] = from[i];
        }
    }

    // Several pixels share a byte; the leftmost has its highest bits.
    private static void SpreadBits(ReadOnlySpan<byte> source, Span<byte> target, int width, Pass pass, int bits)
    {
        for (var x = 0; x < width; x++)
        {
            var sample = source[x * bits / 8] >> ShiftOf(x, bits) & ((1 << bits) - 1);
            var at = pass.X + (x * pass.StepX);
            target[at * bits / 8] |= (byte)(sample << ShiftOf(at, bits));
        }
    }

    private static int ShiftOf(int x, int bits) => 8 - bits - (x * bits % 8);
}
