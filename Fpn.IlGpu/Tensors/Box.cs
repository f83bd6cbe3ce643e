namespace Fpn.IlGpu.Tensors;

/// <summary>
/// A rectangle, given by its left, top, right and bottom edges in px. The frame is stated by the variable's name.
/// </summary>
/// <param name="X1">Left edge.</param>
/// <param name="Y1">Top edge.</param>
/// <param name="X2">Right edge.</param>
/// <param name="Y2">Bottom edge.</param>
public readonly record struct Box(float X1, float Y1, float X2, float Y2)
{
    /// <summary>X2 − X1, in px.</summary>
    public float Width => X2 - X1;

    /// <summary>Y2 − Y1, in px.</summary>
    public float Height => Y2 - Y1;

    /// <summary>Width · height, in px².</summary>
    public float Area => Width * Height;
}
