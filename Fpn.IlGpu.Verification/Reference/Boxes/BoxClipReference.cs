namespace Fpn.IlGpu.Verification.Reference;

/// <summary>Clips corners to the picture: x to 0…width, y to 0…height.</summary>
internal static class BoxClipReference
{
    /// <summary>Clips boxes [R, 4] to a picture of the given size, in px.</summary>
    public static float[] Run(float[] boxes, float width, float height)
    {
        var result = new float[boxes.Length];
        for (var i = 0; i < boxes.Length; i++)
            result[i] = Math.Clamp(boxes[i], 0, i % 2 == 0 ? width : height);
        return result;
    }
}
