namespace Fpn.IlGpu.Imaging;

/// <summary>The size that a picture is resized to, for detection and training alike.</summary>
internal static class ResizedSize
{
    /// <summary>The resized size of a picture, in px: shorter side to minSize, unless that takes the longer over maxSize.</summary>
    /// <param name="height">Of the picture.</param>
    /// <param name="width">Of the picture.</param>
    /// <param name="minSize">What the shorter side becomes.</param>
    /// <param name="maxSize">What the longer side may not exceed.</param>
    /// <param name="rounds">Whether sides are rounded to the nearest px, as in Detectron2, or down, as in torchvision.</param>
    public static (int H, int W) Of(int height, int width, int minSize, int maxSize, bool rounds = false)
    {
        if (rounds)
        {
            var ratio = (double)minSize / Math.Min(height, width);
            var (h, w) = height < width ? ((double)minSize, ratio * width) : (ratio * height, (double)minSize);
            ratio = Math.Min(1, maxSize / Math.Max(h, w));
            return (Math.Max(1, (int)(h * ratio + 0.5)), Math.Max(1, (int)(w * ratio + 0.5)));
        }

        // As PyTorch divides a number by a tensor: the reciprocal in float32, then times the number. Sizes at the edge
        // of rounding come out the same.
        var scale = MathF.Min(minSize * (1f / Math.Min(height, width)), maxSize * (1f / Math.Max(height, width)));
        return (Math.Max(1, (int)Math.Floor(height * (double)scale)), Math.Max(1, (int)Math.Floor(width * (double)scale)));
    }
}
