using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The windows at which masks are proposed, in input px (paper, section 6 and appendix B). A window is centred at a location of a
/// level's map, and its mask covers a square region of fixed size around it: that of the objects it is for, and 25 % more, because
/// objects lie off its centre and are larger or smaller than their scale.
/// <code>
/// scale i = object size of level ⌊i / W⌋ · 2^(i mod W / W)        32, 32 · √2, 64, … px on P2, P2, P3, … with W = 2 windows
/// region  = 1.25 · scale i, centred at (x + ½, y + ½) · 2^level
/// </code>
/// An object belongs to the scale that is nearest to max(w, h) of its box, in log space.
/// </summary>
/// <param name="objectSizes">The object size of each level, in px, finest level first.</param>
/// <param name="finest">The number of the finest level: 2 for P2.</param>
/// <param name="perLocation">The number of windows at a location, W: 2 with half octaves.</param>
internal sealed class ObjectWindows(IReadOnlyList<float> objectSizes, int finest, int perLocation)
{
    private const float Padding = 1.25f;

    private readonly float[] scales = [.. objectSizes.SelectMany(
        size => Enumerable.Range(0, perLocation).Select(w => size * MathF.Pow(2, (float)w / perLocation)))];

    /// <summary>The distance between two neighbouring locations of a scale, in px.</summary>
    /// <param name="scale">The index of the scale, from 0, smallest objects first.</param>
    public int Stride(int scale) => 1 << (finest + scale / perLocation);

    /// <summary>The region that a mask covers, in px.</summary>
    /// <param name="scale">The index of the scale.</param>
    /// <param name="y">The row of the location in its map.</param>
    /// <param name="x">The column of the location in its map.</param>
    public Box Region(int scale, int y, int x)
    {
        var (cx, cy, half) = ((x + 0.5f) * Stride(scale), (y + 0.5f) * Stride(scale), Padding * scales[scale] / 2);
        return new Box(cx - half, cy - half, cx + half, cy + half);
    }

    /// <summary>The index of the scale that an object belongs to.</summary>
    /// <param name="objectInputPx">The object's box, in px.</param>
    public int ScaleOf(Box objectInputPx)
    {
        var size = MathF.Log2(MathF.Max(objectInputPx.Width, objectInputPx.Height));
        return Enumerable.Range(0, scales.Length).MinBy(i => MathF.Abs(MathF.Log2(scales[i]) - size));
    }
}
