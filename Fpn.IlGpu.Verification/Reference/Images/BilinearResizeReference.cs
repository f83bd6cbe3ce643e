namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// Bilinear resizing with half-pixel centres, clamped at the edges, without antialiasing: PyTorch's interpolate with
/// align_corners=False. Sizes follow torchvision's GeneralizedRCNNTransform.
/// </summary>
internal static class BilinearResizeReference
{
    /// <summary>
    /// The output size: the shorter side becomes <paramref name="minSize"/> unless the longer side would exceed
    /// <paramref name="maxSize"/>. Sides are rounded down, but are at least 1 px (torchvision fails on 0 px).
    /// </summary>
    public static (int Height, int Width) OutputSize(int height, int width, int minSize, int maxSize)
    {
        // PyTorch divides a number by a tensor as reciprocal · number in float, which sometimes changes a side by one pixel.
        var scale = Math.Min(1f / Math.Min(height, width) * minSize, 1f / Math.Max(height, width) * maxSize);
        return (Side(height, scale), Side(width, scale));
    }

    /// <summary>Resizes [N, H, W, C] to [N, height, width, C].</summary>
    /// <param name="input">The pictures.</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="height">The rows of the output.</param>
    /// <param name="width">The columns of the output.</param>
    /// <param name="stepY">Input px per row of the output; null for H / height, as torchvision recomputes it.</param>
    /// <param name="stepX">Input px per column of the output; null for W / width.</param>
    public static float[] Run(
        float[] input, Shape4 shape, int height, int width, float? stepY = null, float? stepX = null)
    {
        var output = shape with { H = height, W = width };
        var result = new float[output.Count];
        foreach ((var n, var y, var x, var c) in output.Elements())
        {
            (var y0, var y1, var fy) = Source(y, shape.H, stepY ?? (float)shape.H / height);
            (var x0, var x1, var fx) = Source(x, shape.W, stepX ?? (float)shape.W / width);
            result[output.At(n, y, x, c)] =
                (1 - fy) * ((1 - fx) * input[shape.At(n, y0, x0, c)] + fx * input[shape.At(n, y0, x1, c)])
                + fy * ((1 - fx) * input[shape.At(n, y1, x0, c)] + fx * input[shape.At(n, y1, x1, c)]);
        }
        return result;
    }

    private static int Side(int length, float scale) => Math.Max((int)Math.Floor(length * (double)scale), 1);

    /// <summary>The two neighbours of an output pixel's centre along an axis, and its fractional distance from the first.</summary>
    private static (int Low, int High, float Fraction) Source(int index, int inputs, float step)
    {
        var position = Math.Max(step * (index + 0.5f) - 0.5f, 0);
        var low = Math.Min((int)position, inputs - 1);
        return (low, Math.Min(low + 1, inputs - 1), Math.Min(position - low, 1));
    }
}
