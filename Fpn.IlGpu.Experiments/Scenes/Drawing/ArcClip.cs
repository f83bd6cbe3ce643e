namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>
/// Clips a row to an arc by half planes a·x + b·y + c ≥ 0, combined by "and" and "or". Two half planes are bounded by the ellipse's
/// normals at the ends of the arc; further ones select the upper or lower half in which an angle lies. Coordinates are in half px from
/// the ellipse's centre, angles in degrees clockwise from the x axis. Matches Pillow 9.4's ImageDraw to the pixel.
/// </summary>
internal abstract record ArcClip
{
    private const double Epsilon = 1e-9;

    /// <summary>The parts of x0…x1 on row y that lie on the arc, ends included. They may overlap.</summary>
    public abstract IEnumerable<(int From, int To)> Clip(int x0, int x1, int y);

    /// <summary>The arc of an ellipse with half axes a × b from one angle to another.</summary>
    public static ArcClip Between(int a, int b, float start, float end)
    {
        if (a < b)
        {
            // A tall ellipse is a wide one mirrored at the diagonal.
            return Between(b, a, 90 - end, 90 - start).Mirrored();
        }
        (start, end) = Normalised(start, end);

        // In these units, the normal at α passes the centre at an offset of sin 2α / 2 · (a² − b²).
        var skew = (double)(a * a - b * b);
        var afterStart = new HalfPlane(
            -a * Math.Sin(start * Math.PI / 180), b * Math.Cos(start * Math.PI / 180), skew * Math.Sin(start * Math.PI / 90) / 2);
        var beforeEnd = new HalfPlane(
            a * Math.Sin(end * Math.PI / 180), -b * Math.Cos(end * Math.PI / 180), -skew * Math.Sin(end * Math.PI / 90) / 2);
        var isShort = end - start < 180;
        if (start % 180.0 == 0 || end % 180.0 == 0)
            return Join(isShort, afterStart, beforeEnd);

        static HalfPlane HalfOf(float angle) => new(0, (int)(angle / 180) % 2 == 0 ? 1 : -1, 0);
        if (((int)(start / 180) + (int)(end / 180)) % 2 == 1)
            return Join(false, Join(true, HalfOf(start), afterStart), Join(true, HalfOf(end), beforeEnd));
        return Join(isShort, Join(isShort, afterStart, beforeEnd), new HalfPlane(0, end < 180 || end > 540 ? 1 : -1, 0));
    }

    /// <summary>The same angles with start in [0, 360) and end in [start, start + 360].</summary>
    public static (float Start, float End) Normalised(float start, float end)
    {
        if (end - start >= 360)
            return (0, 360);
        var turned = (float)((start < 0 ? 360 - -start % 360.0 : start) % 360.0);
        return (turned, (float)(turned + (end < turned ? 360 - (turned - end) % 360.0 : end - turned) % 360.0));
    }

    private protected abstract ArcClip Mirrored();

    private static ArcClip Join(bool both, ArcClip one, ArcClip other) => both ? new Both(one, other) : new Either(one, other);

    private sealed record HalfPlane(double A, double B, double C) : ArcClip
    {
        public override IEnumerable<(int From, int To)> Clip(int x0, int x1, int y)
        {
            if (Math.Abs(A) < Epsilon)
                return B * y + C < -Epsilon ? [] : [(x0, x1)];
            var border = -(B * y + C) / A;
            var (from, to) = (x0, x1);
            if (A * x0 + B * y + C < Epsilon)
                from = Nearest(Math.Max(x0, border));
            if (A * x1 + B * y + C < Epsilon)
                to = Nearest(Math.Min(x1, border));
            return from <= to ? [(from, to)] : [];
        }

        private protected override ArcClip Mirrored() => new HalfPlane(B, A, C);

        private static int Nearest(double x) => (int)Math.Round(x, MidpointRounding.AwayFromZero);
    }

    private sealed record Both(ArcClip One, ArcClip Other) : ArcClip
    {
        public override IEnumerable<(int From, int To)> Clip(int x0, int x1, int y)
            => from p in One.Clip(x0, x1, y)
               from q in Other.Clip(x0, x1, y)
               where Math.Max(p.From, q.From) <= Math.Min(p.To, q.To)
               select (Math.Max(p.From, q.From), Math.Min(p.To, q.To));

        private protected override ArcClip Mirrored() => new Both(One.Mirrored(), Other.Mirrored());
    }

    private sealed record Either(ArcClip One, ArcClip Other) : ArcClip
    {
        public override IEnumerable<(int From, int To)> Clip(int x0, int x1, int y)
            => One.Clip(x0, x1, y).Concat(Other.Clip(x0, x1, y));

        private protected override ArcClip Mirrored() => new Either(One.Mirrored(), Other.Mirrored());
    }
}
