namespace Fpn.IlGpu.Imaging;

/// <summary>The size that a picture is resized to, for detection and training alike.</summary>
internal static class ResizedSize
{
    /// <summary>
    /// The resized size of a picture, in px. The shorter side becomes minSize, unless the longer side would then exceed
    /// maxSize.
    /// </summary>
    /// <param name="height">The picture's height, in px.</param>
    /// <param name="width">The picture's width, in px.</param>
    /// <param name="minSize">The target of the shorter side, in px.</param>
    /// <param name="maxSize">The limit of the longer side, in px.</param>
    /// <param name="rounds">Whether sides are rounded to the nearest px, as in Detectron2, instead of down, as in torchvision.</param>
    public static (int H, int W) Of(int height, int width, int minSize, int maxSize, bool rounds = false)
    {
        if (rounds)
        {
            var ratio = (double)minSize / Math.Min(height, width);
            var (h, w) = height < width ? ((double)minSize, ratio * width) : (ratio * height, (double)minSize);
            ratio = Math.Min(1, maxSize / Math.Max(h, w));
            return (Math.Max(1, (int)(h * ratio + 0.5)), Math.Max(1, (int)(w * ratio + 0.5)));
        }

        // PyTorch divides a number by a tensor as the float32 reciprocal times the number. Doing the same gives the same
        // sizes at the edge of rounding.
        var scale = MathF.Min(minSize * (1f / Math.Min(height, width)), maxSize * (1f / Math.Max(height, width)));
        return (Math.Max(1, (int)Math.Floor(height * (double)scale)), Math.Max(1, (int)Math.Floor(width * (double)scale)));
    }
}
