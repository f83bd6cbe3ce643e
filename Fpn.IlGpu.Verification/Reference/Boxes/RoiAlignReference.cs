namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// RoIAlign (Mask R-CNN, section 3) as in torchvision: each bin is the mean of samples² bilinear samples, evenly spaced in the bin. A
/// sample more than one pixel outside of the map is 0; nearer ones are clamped to its edge.
/// </summary>
internal static class RoiAlignReference
{
    /// <summary>Pools RoIs [R, 4] (input px) from a map [N, H, W, C] to [R, pooledH, pooledW, C].</summary>
    /// <param name="map">The features.</param>
    /// <param name="rois">The RoIs as x1, y1, x2, y2, in input px.</param>
    /// <param name="pictures">The picture index n of each RoI; null if all belong to the first.</param>
    /// <param name="shape">The shape of the map.</param>
    /// <param name="scale">Level px per input px: 1 / stride.</param>
    /// <param name="pooled">The number of bins along y and x.</param>
    /// <param name="samples">The samples along a bin's side; 0 for the bin's side in level px, rounded up.</param>
    /// <param name="aligned">Whether RoIs are shifted by half a pixel; if not, their sides are at least 1 level px.</param>
    public static float[] Run(
        float[] map, float[] rois, int[]? pictures,
        Shape4 shape, float scale, (int H, int W) pooled, int samples, bool aligned)
    {
        var result = new double[rois.Length / 4 * pooled.H * pooled.W * shape.C];
        foreach ((var to, var from, var weight) in Terms(rois, pictures, shape, scale, pooled, samples, aligned))
            result[to] += weight * map[from];
        return Array.ConvertAll(result, value => (float)value);
    }

    /// <summary>The gradient of the map, from the gradient of the output of <see cref="Run"/>.</summary>
    public static float[] Gradient(
        float[] outputGradient, float[] rois, int[]? pictures,
        Shape4 shape, float scale, (int H, int W) pooled, int samples, bool aligned)
    {
        var result = new double[shape.Count];
        foreach ((var to, var from, var weight) in Terms(rois, pictures, shape, scale, pooled, samples, aligned))
            result[from] += weight * outputGradient[to];
        return Array.ConvertAll(result, value => (float)value);
    }

    // RoIAlign is linear: out[to] = Σ weight · map[from].
    private static IEnumerable<(int To, int From, double Weight)> Terms(
        float[] rois, int[]? pictures, Shape4 shape, float scale, (int H, int W) pooled, int samples, bool aligned)
    {
        var output = new Shape4(rois.Length / 4, pooled.H, pooled.W, shape.C);
        foreach ((var r, var py, var px, var c) in output.Elements())
        {
            var shift = aligned ? 0.5f : 0;
            float left = rois[4 * r] * scale - shift, top = rois[4 * r + 1] * scale - shift;
            float width = rois[4 * r + 2] * scale - shift - left, height = rois[4 * r + 3] * scale - shift - top;
            if (!aligned)
            {
                width = Math.Max(width, 1);
                height = Math.Max(height, 1);
            }
            float binWidth = width / pooled.W, binHeight = height / pooled.H;
            var samplesX = samples > 0 ? samples : (int)MathF.Ceiling(binWidth);
            var samplesY = samples > 0 ? samples : (int)MathF.Ceiling(binHeight);
            for (var sy = 0; sy < samplesY; sy++)
            {
                for (var sx = 0; sx < samplesX; sx++)
                {
                    var y = top + py * binHeight + (sy + 0.5f) * binHeight / samplesY;
                    var x = left + px * binWidth + (sx + 0.5f) * binWidth / samplesX;
                    foreach ((var from, var weight) in Sample(shape, pictures?[r] ?? 0, y, x, c))
                        yield return (output.At(r, py, px, c), from, weight / (samplesY * samplesX));
                }
            }
        }
    }

    /// <summary>The elements and weights of a bilinear sample at (y, x); integer coordinates are the centres of pixels.</summary>
    private static IEnumerable<(int From, double Weight)> Sample(Shape4 shape, int n, float y, float x, int c)
    {
        // Written so that NaN counts as outside.
        if (!(y >= -1 && y <= shape.H && x >= -1 && x <= shape.W))
            yield break;
        y = Math.Clamp(y, 0, shape.H - 1);
        x = Math.Clamp(x, 0, shape.W - 1);
        int y0 = (int)y, x0 = (int)x, y1 = Math.Min(y0 + 1, shape.H - 1), x1 = Math.Min(x0 + 1, shape.W - 1);
        double fy = y - y0, fx = x - x0;
        yield return (shape.At(n, y0, x0, c), (1 - fy) * (1 - fx));
        yield return (shape.At(n, y0, x1, c), (1 - fy) * fx);
        yield return (shape.At(n, y1, x0, c), fy * (1 - fx));
        yield return (shape.At(n, y1, x1, c), fy * fx);
    }
}
