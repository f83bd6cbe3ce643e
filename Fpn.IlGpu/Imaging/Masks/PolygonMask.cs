namespace Fpn.IlGpu.Imaging;

/// <summary>
/// The pixels within a polygon, exactly as COCO's own code computes them (rleFrPoly in its maskApi.c), so that areas and
/// overlaps agree too. The outline is traced in steps of a fifth of a px. Where it passes the centre of a column, the
/// polygon begins or ends in that column at the pixel below:
/// <code>inside = between the 1st and 2nd crossing, the 3rd and 4th, … (all columns one after the other)</code>
/// </summary>
internal static class PolygonMask
{
    /// <summary>The largest magnitude of a coordinate, in px. Larger ones are mistakes, and would take too long to trace.</summary>
    public const double FarthestPx = 1e6;

    private const double Scale = 5;

    // Tracing a px takes some 100 ns and up to 20 bytes, so an outline of this length takes half a second.
    private const double LongestPx = 4e6;

    /// <summary>
    /// Refuses an object whose outlines would take too long to trace: those that are longer than any outline of the picture's pixels
    /// can be, and leave the picture and come back dozens of times.
    /// </summary>
    /// <param name="polygons">The corners of each polygon: x, y, x, y, … in px.</param>
    /// <param name="width">The picture's width, in px.</param>
    /// <param name="height">The picture's height, in px.</param>
    /// <exception cref="ArgumentException">The outlines together are too long.</exception>
    public static void RefuseEndless(IReadOnlyList<double[]> polygons, int width, int height)
    {
        var most = Math.Min(LongestPx, ((double)width * height) + (64.0 * (width + height)));
        var length = polygons.Sum(LengthPx);
        if (length > most)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"Its outline is {length:F0} px long, but in a picture of {width} x {height} px it can't be longer than {most:F0}."));
        }
    }

    // In steps of the tracing: the longer of the two sides of each edge. A corner that is no number is refused when it is traced.
    private static double LengthPx(double[] corners)
    {
        var count = corners.Length / 2;
        var length = 0.0;
        for (var j = 0; j < count; j++)
        {
            var next = (j + 1) % count;
            var edge = Math.Max(Math.Abs(corners[2 * j] - corners[2 * next]), Math.Abs(corners[(2 * j) + 1] - corners[(2 * next) + 1]));
            length += edge <= 2 * FarthestPx ? edge : 0;
        }
        return length;
    }

    /// <summary>Fills one polygon.</summary>
    /// <param name="corners">x, y, x, y, … in px; a last number without a partner is ignored.</param>
    /// <param name="width">The picture's width, in px.</param>
    /// <param name="height">The picture's height, in px.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or there are too many pixels for an array.</exception>
    /// <exception cref="ArgumentException">A coordinate is NaN, or more than <see cref="FarthestPx"/> from 0.</exception>
    public static ObjectMask Fill(ReadOnlySpan<double> corners, int width, int height)
    {
        var builder = new MaskRunBuilder(width, height);
        var crossings = Crossings(corners, width, height);
        crossings.Sort();
        if (crossings.Count % 2 == 1)
            crossings.Add(builder.Pixels);
        for (var i = 0; i < crossings.Count; i += 2)
            builder.Add(crossings[i], crossings[i + 1] - crossings[i]);
        return builder.Build();
    }

    private static List<int> Crossings(ReadOnlySpan<double> corners, int width, int height)
    {
        var crossings = new List<int>();
        var count = corners.Length / 2;
        var last = (U: 0, V: 0);
        var first = true;
        for (var j = 0; j < count; j++)
        {
            var next = (j + 1) % count;
            (var xs, var ys, var xe, var ye) =
                (Fifths(corners[2 * j]), Fifths(corners[(2 * j) + 1]), Fifths(corners[2 * next]), Fifths(corners[(2 * next) + 1]));
            int dx = Math.Abs(xe - xs), dy = Math.Abs(ye - ys);
            var flip = (dx >= dy && xs > xe) || (dx < dy && ys > ye);
            if (flip)
                (xs, ys, xe, ye) = (xe, ye, xs, ys);
            // A corner given twice is a step of length 0, whose slope would be 0 / 0. It never gives a crossing.
            var slope = dx >= dy ? (double)(ye - ys) / Math.Max(dx, 1) : (double)(xe - xs) / dy;
            var steps = Math.Max(dx, dy);
            for (var d = 0; d <= steps; d++)
            {
                var t = flip ? steps - d : d;
                var at = dx >= dy ? (U: t + xs, V: (int)(ys + (slope * t) + .5)) : (U: (int)(xs + (slope * t) + .5), V: t + ys);
                if (!first && at.U != last.U)
                    Cross(at, last, width, height, crossings);
                last = at;
                first = false;
            }
        }
        return crossings;
    }

    private static void Cross((int U, int V) at, (int U, int V) last, int width, int height, List<int> crossings)
    {
        var x = (((at.U < last.U ? at.U : at.U - 1) + .5) / Scale) - .5;
        if (Math.Floor(x) != x || x < 0 || x > width - 1)
            return;
        var y = ((Math.Min(at.V, last.V) + .5) / Scale) - .5;
        crossings.Add(((int)x * height) + (int)Math.Ceiling(Math.Clamp(y, 0, height)));
    }

    // Adds 0.5 and truncates towards 0, like COCO's C code, so only values that are not negative are rounded to the nearest.
    private static int Fifths(double px) => px is >= -FarthestPx and <= FarthestPx
        ? (int)((Scale * px) + .5)
        : throw new ArgumentException(FormattableString.Invariant($"A polygon has a corner at {px} px."));
}
