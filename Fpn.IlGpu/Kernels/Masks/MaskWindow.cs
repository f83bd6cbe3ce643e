using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The part of the picture that an object's mask can reach, and where its pixels lie on the mask: pixel x of the picture is at
/// u = (x + ½ − StartX) · StepX − Shift, in mask cells from the centre of the first cell.
/// </summary>
/// <param name="Left">First column, in px of the picture.</param>
/// <param name="Top">First row, in px of the picture.</param>
/// <param name="Width">Columns, in px; 0 if no pixel of the picture is reached.</param>
/// <param name="Height">Rows, in px; 0 if no pixel of the picture is reached.</param>
/// <param name="StartX">The mask's left edge, in px of the picture.</param>
/// <param name="StartY">The mask's top edge, in px of the picture.</param>
/// <param name="StepX">Mask cells per px along x.</param>
/// <param name="StepY">Mask cells per px along y.</param>
/// <param name="Shift">½ plus the width of the border around the mask, in cells.</param>
/// <param name="FirstProbability">Index of the mask's first cell.</param>
/// <param name="FirstWord">Index of the window's first word of bits.</param>
internal readonly record struct MaskWindow(
    int Left, int Top, int Width, int Height, float StartX, float StartY, float StepX, float StepY, float Shift,
    int FirstProbability = 0, int FirstWord = 0)
{
    // A border of one cell of zeros lets the mask fade out at its edges.
    private const int Border = 1;

    // No picture needs more px or larger steps than this, and larger ones would overflow.
    private const float Most = 1e9f;

    /// <summary>Words of bits in the window, 32 pixels per word.</summary>
    public int Words => (Width * Height + 31) / 32;

    /// <summary>
    /// Returns the window by torchvision 0.14's convention: the box is enlarged by a border of one cell, its corners are truncated to whole
    /// px, and both corners belong to it.
    /// </summary>
    public static MaskWindow Rounded(Box boxImagePx, int side, int width, int height)
    {
        if (!(boxImagePx.Width >= 0 && boxImagePx.Height >= 0))
            return default;
        // In float32 and in torchvision's order of operations, so that corners on the verge of rounding come out the same.
        var growth = (float)((side + 2.0 * Border) / side);
        var (left, right) = Range(boxImagePx.X1, boxImagePx.X2);
        var (top, bottom) = Range(boxImagePx.Y1, boxImagePx.Y2);
        return Clipped(left, top, right, bottom, width, height) with
        {
            StartX = left,
            StartY = top,
            StepX = (float)(side + 2 * Border) / (right - left),
            StepY = (float)(side + 2 * Border) / (bottom - top),
            Shift = 0.5f + Border,
        };
        (int First, int End) Range(float from, float to)
        {
            var half = (to - from) * 0.5f * growth;
            var centre = (to + from) * 0.5f;
            return (Whole(centre - half), Whole(centre + half) + 1);
        }
    }

    /// <summary>
    /// Returns the window by Detectron2's convention: the mask covers the exact box, and fades out over half a cell around it.
    /// </summary>
    public static MaskWindow Exact(Box boxImagePx, int side, int width, int height)
    {
        if (!(boxImagePx.Width > 0 && boxImagePx.Height > 0))
            return default;
        var (x, y) = (boxImagePx.Width / side / 2, boxImagePx.Height / side / 2);
        return Clipped(
            Whole(MathF.Floor(boxImagePx.X1 - x)), Whole(MathF.Floor(boxImagePx.Y1 - y)),
            Whole(MathF.Ceiling(boxImagePx.X2 + x)), Whole(MathF.Ceiling(boxImagePx.Y2 + y)), width, height) with
        {
            StartX = boxImagePx.X1,
            StartY = boxImagePx.Y1,
            StepX = MathF.Min(side / boxImagePx.Width, Most),
            StepY = MathF.Min(side / boxImagePx.Height, Most),
            Shift = 0.5f,
        };
    }

    private static MaskWindow Clipped(int left, int top, int right, int bottom, int width, int height)
    {
        (left, right) = (Math.Max(left, 0), Math.Min(right, width));
        (top, bottom) = (Math.Max(top, 0), Math.Min(bottom, height));
        return right > left && bottom > top
            ? new MaskWindow { Left = left, Top = top, Width = right - left, Height = bottom - top }
            : default;
    }

    private static int Whole(float px) => (int)Math.Clamp(px, -Most, Most);
}
