namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// Fast R-CNN's box parametrisation: centre' = centre + (dx / wx · w, dy / wy · h), w' = w · exp(dw / ww),
/// h' = h · exp(dh / wh); dw / ww and dh / wh are clamped from above.
/// </summary>
internal static class BoxDecodeReference
{
    /// <summary>The upper limit of dw / ww and dh / wh, log(1000 / 16): a side grows by a factor of 1000 / 16 at most.</summary>
    public static readonly float Clamp = (float)Math.Log(1000.0 / 16);

    /// <summary>Applies deltas [R, classes, 4] (dx, dy, dw, dh) to boxes [R, 4], giving boxes [R, classes, 4].</summary>
    public static float[] Run(float[] deltas, float[] boxes, float[] weights, int classes)
    {
        var result = new float[deltas.Length];
        for (var i = 0; i < deltas.Length; i += 4)
        {
            var box = i / 4 / classes * 4;
            float width = boxes[box + 2] - boxes[box], height = boxes[box + 3] - boxes[box + 1];
            var x = boxes[box] + 0.5f * width + deltas[i] / weights[0] * width;
            var y = boxes[box + 1] + 0.5f * height + deltas[i + 1] / weights[1] * height;
            var newWidth = MathF.Exp(Math.Min(deltas[i + 2] / weights[2], Clamp)) * width;
            var newHeight = MathF.Exp(Math.Min(deltas[i + 3] / weights[3], Clamp)) * height;
            result[i] = x - 0.5f * newWidth;
            result[i + 1] = y - 0.5f * newHeight;
            result[i + 2] = x + 0.5f * newWidth;
            result[i + 3] = y + 0.5f * newHeight;
        }
        return result;
    }
}
