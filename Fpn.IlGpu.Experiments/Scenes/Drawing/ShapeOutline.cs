namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>The corners of polygonal shapes with a given centre and radius, in px.</summary>
internal static class ShapeOutline
{
    /// <summary>The corners of the shape at an index in <see cref="SyntheticShapes.Classes"/>, rotated by an angle in radians.</summary>
    public static (double X, double Y)[] Corners(int kind, double cx, double cy, double r, double angle) => kind switch
    {
        1 => Regular(4, cx, cy, r, angle),
        2 => Regular(3, cx, cy, r, angle),
        3 => Star(cx, cy, r, angle),
        5 => Cross(cx, cy, r, angle),
        6 => Regular(6, cx, cy, r, angle),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "This shape has no corners."),
    };

    private static (double X, double Y)[] Regular(int corners, double cx, double cy, double r, double angle)
    {
        var result = new (double X, double Y)[corners];
        for (var i = 0; i < corners; i++)
            result[i] = At(cx, cy, r, angle + 2 * Math.PI * i / corners);
        return result;
    }

    private static (double X, double Y)[] Star(double cx, double cy, double r, double angle)
    {
        var result = new (double X, double Y)[10];
        for (var i = 0; i < result.Length; i++)
            result[i] = At(cx, cy, i % 2 == 0 ? r : 0.42 * r, angle + Math.PI * i / 5);
        return result;
    }

    private static (double X, double Y) At(double cx, double cy, double r, double angle)
        => (cx + r * Math.Cos(angle), cy + r * Math.Sin(angle));

    private static (double X, double Y)[] Cross(double cx, double cy, double r, double angle)
    {
        var w = 0.34 * r;
        (double X, double Y)[] upright =
        [
            (-w, -r), (w, -r), (w, -w), (r, -w), (r, w), (w, w), (w, r), (-w, r), (-w, w), (-r, w), (-r, -w), (-w, -w),
        ];
        var (cos, sin) = (Math.Cos(angle), Math.Sin(angle));
        return Array.ConvertAll(upright, p => (cx + p.X * cos - p.Y * sin, cy + p.X * sin + p.Y * cos));
    }
}
