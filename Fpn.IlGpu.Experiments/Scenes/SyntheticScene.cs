using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>A synthetic picture and what is in it.</summary>
/// <param name="Image">The picture.</param>
/// <param name="Shapes">Its shapes, largest first.</param>
public sealed record SyntheticScene(RgbImage Image, IReadOnlyList<SyntheticShape> Shapes);

/// <summary>One shape: its class and the box around its well covered px.</summary>
/// <param name="ClassIndex">Its place in <see cref="SyntheticShapes.Classes"/>.</param>
/// <param name="X1">Left edge, in px.</param>
/// <param name="Y1">Top edge, in px.</param>
/// <param name="X2">Right edge, one further than the last column.</param>
/// <param name="Y2">Bottom edge, one further than the last row.</param>
public readonly record struct SyntheticShape(int ClassIndex, int X1, int Y1, int X2, int Y2)
{
    /// <summary>Which part of this box lies inside another.</summary>
    internal double PartInside(SyntheticShape other)
    {
        var w = Math.Min(X2, other.X2) - Math.Max(X1, other.X1);
        var h = Math.Min(Y2, other.Y2) - Math.Max(Y1, other.Y1);
        return w <= 0 || h <= 0 ? 0 : (double)(w * h) / ((X2 - X1) * (Y2 - Y1));
    }
}
