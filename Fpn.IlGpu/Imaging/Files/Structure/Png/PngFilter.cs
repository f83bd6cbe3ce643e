namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Undoes the filters of PNG rows (PNG specification, section 9). A filter replaces each byte by its difference from a
/// guess: 0, the byte a pixel to the left, the one above, the mean of both, or the one of three that Paeth picks.
/// </summary>
internal static class PngFilter
{
    /// <param name="filter">The row's filter, 0 to 4.</param>
    /// <param name="row">Its filtered bytes; then its bytes.</param>
    /// <param name="above">The bytes of the row above it; zeros for the first row.</param>
    /// <param name="bytesPerPixel">How far a byte is from the one that it is compared with; at least 1.</param>
    public static void Undo(int filter, Span<byte> row, ReadOnlySpan<byte> above, int bytesPerPixel)
    {
        switch (filter)
        {
            case 0:
                break;
            case 1:
                for (var i = bytesPerPixel; i < row.Length; i++)
                    row[i] += row[i - bytesPerPixel];
                break;
            case 2:
                for (var i = 0; i < row.Length; i++)
                    row[i] += above[i];
                break;
            case 3:
                for (var i = 0; i < row.Length; i++)
                    row[i] += (byte)((LeftOf(row, i, bytesPerPixel) + above[i]) / 2);
                break;
            case 4:
                for (var i = 0; i < row.Length; i++)
                    row[i] += Paeth(LeftOf(row, i, bytesPerPixel), above[i], LeftOf(above, i, bytesPerPixel));
                break;
            default:
                throw PictureRefusal.Damaged("is a PNG with a row filter that PNG does not have");
        }
    }

    private static byte LeftOf(ReadOnlySpan<byte> row, int i, int bytesPerPixel) => i < bytesPerPixel ? (byte)0 : row[i - bytesPerPixel];

    // Whichever is nearest to left + above - aboveLeft; the first of equally near ones.
    private static byte Paeth(byte left, byte above, byte aboveLeft)
    {
        var toLeft = Math.Abs(above - aboveLeft);
        var toAbove = Math.Abs(left - aboveLeft);
        var toAboveLeft = Math.Abs(left + above - (2 * aboveLeft));
        return toLeft <= toAbove && toLeft <= toAboveLeft ? left : toAbove <= toAboveLeft ? above : aboveLeft;
    }
}
