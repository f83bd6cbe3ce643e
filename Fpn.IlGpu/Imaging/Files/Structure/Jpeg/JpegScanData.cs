namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Finds the end of a scan's coded pixels. They go on to the next marker; only restart markers may stand among them,
/// which are numbered 0 to 7 in turn, one after every so many units (ITU T.81, section E.1.4).
/// </summary>
internal static class JpegScanData
{
    /// <param name="rest">What follows the scan's header; then what follows its pixels, from the marker on.</param>
    /// <param name="restartInterval">Units between two restart markers; 0 where there are none.</param>
    /// <param name="units">Units of the scan.</param>
    /// <exception cref="PictureRefusal">The file ends, or restart markers are missing, out of order or too many.</exception>
    public static ReadOnlySpan<byte> Take(scoped ref ReadOnlySpan<byte> rest, int restartInterval, long units)
    {
        var (end, restarts) = (0, 0L);
        while (true)
        {
            var step = rest[end..].IndexOf((byte)0xFF);
            if (step < 0 || end + step + 1 >= rest.Length)
                throw PictureRefusal.Damaged("is a JPEG that is cut short");
            end += step;
            var next = rest[end + 1];
            if (JpegMarker.RestartNumber(next) is { } number)
            {
                if (number != restarts % 8)
                    throw WrongRestarts();
                restarts++;
            }
            else if (next == 0xFF)
            {
                // It fills up; a marker, or another one, follows.
                end++;
                continue;
            }
            else if (next != 0)
            {
                break;
            }
            end += 2;
        }

        // Some encoders write one more, after the last unit.
        var expected = restartInterval == 0 ? 0 : (units - 1) / restartInterval;
        if (restarts != expected && (restartInterval == 0 || restarts != expected + 1))
            throw WrongRestarts();
        var coded = rest[..end];
        rest = rest[end..];
        return coded;
    }

    private static PictureRefusal WrongRestarts() => PictureRefusal.Damaged("is a JPEG whose restart markers are missing or out of order");
}
