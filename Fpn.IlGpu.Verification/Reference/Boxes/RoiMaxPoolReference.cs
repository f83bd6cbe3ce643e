namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// RoI max pooling (Fast R-CNN, section 2.1) as in torchvision: corners are rounded to whole level px (halves away from 0), and both
/// ends belong to the RoI; a bin is the largest value of the px that it touches, or 0 if there are none.
/// </summary>
internal static class RoiMaxPoolReference
{
    /// <summary>Pools RoIs [R, 4] (input px) from a map [N, H, W, C] to [R, pooledH, pooledW, C].</summary>
    /// <param name="map">The features.</param>
    /// <param name="rois">The RoIs as x1, y1, x2, y2, in input px.</param>
    /// <param name="pictures">The picture index n of each RoI; null if all belong to the first.</param>
    /// <param name="shape">The shape of the map.</param>
    /// <param name="scale">Level px per input px: 1 / stride.</param>
    /// <param name="pooled">The number of bins along y and x.</param>
    public static float[] Run(
        float[] map, float[] rois, int[]? pictures, Shape4 shape, float scale, (int H, int W) pooled)
    {
        var output = new Shape4(rois.Length / 4, pooled.H, pooled.W, shape.C);
        var result = new float[output.Count];
        foreach ((var r, var py, var px, var c) in output.Elements())
        {
            (var y0, var y1, var x0, var x1) = Bin(rois.AsSpan(4 * r, 4), (py, px), shape, scale, pooled);
            var largest = y1 <= y0 || x1 <= x0 ? 0 : float.MinValue;
            for (var y = y0; y < y1; y++)
            {
                for (var x = x0; x < x1; x++)
                    largest = Math.Max(largest, map[shape.At(pictures?[r] ?? 0, y, x, c)]);
            }

            result[output.At(r, py, px, c)] = largest;
        }
        return result;
    }

    /// <summary>The gradient of the map: each bin's gradient goes to the first of its largest values; an empty bin's is dropped.</summary>
    public static float[] Gradient(
        float[] map, float[] outputGradient, float[] rois, int[] pictures, Shape4 shape, float scale, (int H, int W) pooled)
    {
        var output = new Shape4(rois.Length / 4, pooled.H, pooled.W, shape.C);
        var result = new double[map.Length];
        foreach ((var r, var py, var px, var c) in output.Elements())
        {
            (var y0, var y1, var x0, var x1) = Bin(rois.AsSpan(4 * r, 4), (py, px), shape, scale, pooled);
            var first = -1;
            for (var y = y0; y < y1; y++)
            {
                for (var x = x0; x < x1; x++)
                {
                    var at = shape.At(pictures[r], y, x, c);
                    if (first < 0 || map[at] > map[first])
                        first = at;
                }
            }

            if (first >= 0)
                result[first] += outputGradient[output.At(r, py, px, c)];
        }
        return Array.ConvertAll(result, value => (float)value);
    }

    /// <summary>The px of a bin, ends exclusive.</summary>
    private static (int Y0, int Y1, int X0, int X1) Bin(
        ReadOnlySpan<float> roi, (int Y, int X) bin, Shape4 shape, float scale, (int H, int W) pooled)
    {
        int left = Round(roi[0] * scale), top = Round(roi[1] * scale);
        int right = Round(roi[2] * scale), bottom = Round(roi[3] * scale);
        var binWidth = (float)Math.Max(right - left + 1, 1) / pooled.W;
        var binHeight = (float)Math.Max(bottom - top + 1, 1) / pooled.H;
        return (
            Math.Clamp((int)MathF.Floor(bin.Y * binHeight) + top, 0, shape.H),
            Math.Clamp((int)MathF.Ceiling((bin.Y + 1) * binHeight) + top, 0, shape.H),
            Math.Clamp((int)MathF.Floor(bin.X * binWidth) + left, 0, shape.W),
            Math.Clamp((int)MathF.Ceiling((bin.X + 1) * binWidth) + left, 0, shape.W));
    }

    private static int Round(float value) => (int)MathF.Round(value, MidpointRounding.AwayFromZero);
}
