namespace Fpn.IlGpu.Verification.Reference;

/// <summary>Corners moved into the picture: x to 0…width, y to 0…height.</summary>
internal static class BoxClipReference
{
    /// <summary>Boxes [R, 4] to the same, in px of the picture of this size.</summary>
    public static float[] Run(float[] boxes, float width, float height)
    {
        var result = new float[boxes.Length];
        for (var i = 0; i < boxes.Length; i++)
            result[i] = Math.Clamp(boxes[i], 0, i % 2 == 0 ? width : height);
        return result;
    }
}
