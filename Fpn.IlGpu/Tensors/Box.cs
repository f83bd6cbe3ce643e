namespace Fpn.IlGpu.Tensors;

/// <summary>A rectangle: left, top, right and bottom edge, in px; a name that holds one says of which frame.</summary>
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
