namespace Fpn.IlGpu.Imaging;

/// <summary>A box to be drawn on a picture, with a text, and perhaps the mask of what is in it.</summary>
/// <param name="X1">Left edge, in px of the picture; any part may lie off the picture.</param>
/// <param name="Y1">Upper edge, in px of the picture.</param>
/// <param name="X2">Right edge, in px of the picture.</param>
/// <param name="Y2">Lower edge, in px of the picture.</param>
/// <param name="Text">The label; empty for none. Characters beyond printable ASCII are drawn as a box.</param>
/// <param name="ColourIndex">Which colour, for instance the class id: equal indices get equal colours.</param>
/// <param name="Mask">The object's pixels, of the picture's size; null for none.</param>
public readonly record struct Annotation(
    float X1, float Y1, float X2, float Y2, string Text, int ColourIndex, ObjectMask? Mask = null);
