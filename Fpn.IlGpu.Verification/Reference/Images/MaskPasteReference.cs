namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// Masks at picture size as probabilities, following the two functions named paste_masks_in_image: torchvision's resizes a padded mask
/// to a box in whole px, Detectron2's samples the mask at each px of the exact box.
/// </summary>
internal static class MaskPasteReference
{
    /// <summary>Pastes a mask [side, side] into its box, giving [H, W].</summary>
    /// <param name="mask">The probabilities.</param>
    /// <param name="side">The side of the mask, in cells.</param>
    /// <param name="box">The box as x1, y1, x2, y2, in px of the picture.</param>
    /// <param name="height">The height of the picture, in px.</param>
    /// <param name="width">The width of the picture, in px.</param>
    /// <param name="rounded">Whether to follow torchvision 0.14; if not, Detectron2.</param>
    public static float[] Run(float[] mask, int side, float[] box, int height, int width, bool rounded) => rounded
        ? Rounded(mask, side, box, height, width)
        : Exact(mask, side, box, height, width);

    private static float[] Rounded(float[] mask, int side, float[] box, int height, int width)
    {
        var padded = side + 2;
        var values = new float[padded * padded];
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
                values[(y + 1) * padded + x + 1] = mask[y * side + x];
        }

        var scale = (float)((double)padded / side);
        float halfW = (box[2] - box[0]) * 0.5f * scale, halfH = (box[3] - box[1]) * 0.5f * scale;
        float centreX = (box[2] + box[0]) * 0.5f, centreY = (box[3] + box[1]) * 0.5f;
        int left = (int)(centreX - halfW), right = (int)(centreX + halfW);
        int top = (int)(centreY - halfH), bottom = (int)(centreY + halfH);
        int w = Math.Max(right - left + 1, 1), h = Math.Max(bottom - top + 1, 1);

        var resized = BilinearResizeReference.Run(values, new Shape4(1, padded, padded, 1), h, w);
        var picture = new float[height * width];
        for (var y = Math.Max(top, 0); y < Math.Min(bottom + 1, height); y++)
        {
            for (var x = Math.Max(left, 0); x < Math.Min(right + 1, width); x++)
                picture[y * width + x] = resized[(y - top) * w + x - left];
        }

        return picture;
    }

    private static float[] Exact(float[] mask, int side, float[] box, int height, int width)
    {
        var picture = new float[height * width];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                // Map the left and right edges of the mask to −1 and 1, then convert to cells from the centre of the first.
                var u = (((x + 0.5f - box[0]) / (box[2] - box[0]) * 2 - 1 + 1) * side - 1) / 2;
                var v = (((y + 0.5f - box[1]) / (box[3] - box[1]) * 2 - 1 + 1) * side - 1) / 2;
                for (var row = 0; row < side; row++)
                {
                    for (var column = 0; column < side; column++)
                        picture[y * width + x] += mask[row * side + column] * Near(v - row) * Near(u - column);
                }
            }
        }
        return picture;
    }

    private static float Near(float distance) => Math.Max(0, 1 - Math.Abs(distance));
}
