using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>A synthetic picture and its shapes.</summary>
/// <param name="Image">The picture.</param>
/// <param name="Shapes">Its shapes, largest first.</param>
/// <param name="Masks">
/// The well covered px of each shape, which its box is around. Like the box, a mask includes what a later shape hides.
/// </param>
public sealed record SyntheticScene(RgbImage Image, IReadOnlyList<SyntheticShape> Shapes, IReadOnlyList<ObjectMask> Masks);

/// <summary>A shape: its class and the box around its well covered px.</summary>
/// <param name="ClassIndex">Its index in <see cref="SyntheticShapes.Classes"/>.</param>
/// <param name="X1">The left edge, in px.</param>
/// <param name="Y1">The top edge, in px.</param>
/// <param name="X2">The right edge, in px: one past the last column.</param>
/// <param name="Y2">The bottom edge, in px: one past the last row.</param>
public readonly record struct SyntheticShape(int ClassIndex, int X1, int Y1, int X2, int Y2)
{
    /// <summary>The fraction of this box that lies inside another, 0…1.</summary>
    internal double PartInside(SyntheticShape other)
    {
        var w = Math.Min(X2, other.X2) - Math.Max(X1, other.X1);
        var h = Math.Min(Y2, other.Y2) - Math.Max(Y1, other.Y1);
        return w <= 0 || h <= 0 ? 0 : (double)(w * h) / ((X2 - X1) * (Y2 - Y1));
    }
}
