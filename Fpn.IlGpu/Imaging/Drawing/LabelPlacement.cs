namespace Fpn.IlGpu.Imaging;

/// <summary>
/// Places label plates next to their boxes and inside the picture, avoiding each other and the contents of small boxes
/// where possible.
/// </summary>
internal sealed class LabelPlacement(int width, int height, IReadOnlyList<PixelRectangle> boxes)
{
    // Further rows to try, above and below the box's upper edge.
    private const int MostSteps = 8;

    private readonly List<PixelRectangle> placed = [];

    /// <summary>Places a plate, which must fit into the picture.</summary>
    public PixelRectangle Place(PixelRectangle box, int plateWidth, int plateHeight)
    {
        PixelRectangle best = default;
        var lowest = double.PositiveInfinity;
        var rank = 0;
        foreach ((var x, var y) in Places(box, plateWidth, plateHeight))
        {
            var left = Math.Clamp(x, 0, width - plateWidth);
            var top = Math.Clamp(y, 0, height - plateHeight);
            var plate = new PixelRectangle(left, top, left + plateWidth, top + plateHeight);
            long hidden = 0;
            foreach (var other in placed)
                hidden += plate.Overlap(other);
            // The fraction of each box that is hidden: small for a large box, all of a small one.
            var covered = boxes.Sum(other => (double)plate.Overlap(other) / other.Area);

            // Rows between the plate and its box.
            var gap = Math.Max(0, Math.Max(plate.Top - box.Bottom, box.Top - plate.Bottom));

            // Hiding another label costs most; then hiding objects; then distance from the box, or being moved by the
            // picture's edge; then the order of the places.
            var cost = (hidden * 1000.0) + (covered * 40) + gap
                + (Math.Abs(left - x) * 0.1) + (Math.Abs(top - y) * 10) + rank++;
            if (cost < lowest)
                (best, lowest) = (plate, cost);
        }
        placed.Add(best);
        return best;
    }

    private static IEnumerable<(int X, int Y)> Places(PixelRectangle box, int plateWidth, int plateHeight)
    {
        var right = box.Right - plateWidth;
        yield return (box.Left, box.Top - plateHeight);
        yield return (box.Left, box.Top);
        yield return (box.Left, box.Bottom);
        yield return (right, box.Top - plateHeight);
        yield return (right, box.Top);
        yield return (box.Left, box.Bottom - plateHeight);
        yield return (right, box.Bottom);
        yield return (right, box.Bottom - plateHeight);
        yield return (box.Right, box.Top);
        yield return (box.Left - plateWidth, box.Top);
        for (var step = 1; step <= MostSteps; step++)
        {
            yield return (box.Left, box.Top + (step * plateHeight));
            yield return (box.Left, box.Top - ((step + 1) * plateHeight));
        }
    }
}
