namespace Fpn.IlGpu.Imaging;

/// <summary>A box to draw on a picture, with a label, and optionally the mask of the object.</summary>
/// <param name="X1">Left edge, in px of the picture; the box may extend beyond the picture.</param>
/// <param name="Y1">Upper edge, in px of the picture.</param>
/// <param name="X2">Right edge, in px of the picture.</param>
/// <param name="Y2">Lower edge, in px of the picture.</param>
/// <param name="Text">The label; empty for none. Characters outside printable ASCII are drawn as a box.</param>
/// <param name="ColourIndex">The index of the colour, for instance the class id; equal indices give equal colours.</param>
/// <param name="Mask">The object's mask, of the picture's size; null for none.</param>
public readonly record struct Annotation(
    float X1, float Y1, float X2, float Y2, string Text, int ColourIndex, ObjectMask? Mask = null);
