namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// Resizing as in Pillow's BILINEAR: each output is the weighted mean of the inputs under a triangle around its centre. The triangle
/// scales with the reduction of the picture and reaches at least one pixel to either side. Rows are resized first, then columns, and
/// both passes round to whole levels; the triangle's weights are integer multiples of 2⁻²².
/// </summary>
internal static class AntialiasedResizeReference
{
    /// <summary>Resizes levels [N, H, W, C], 0…255, to [N, height, width, C].</summary>
    public static float[] Run(float[] input, Shape4 shape, int height, int width)
    {
        Shape4 narrow = shape with { W = width }, output = narrow with { H = height };
        var rows = new float[narrow.Count];
        foreach ((var n, var y, var x, var c) in narrow.Elements())
            rows[narrow.At(n, y, x, c)] = Mean(x, shape.W, width, from => input[shape.At(n, y, from, c)]);
        var result = new float[output.Count];
        foreach ((var n, var y, var x, var c) in output.Elements())
            result[output.At(n, y, x, c)] = Mean(y, shape.H, height, from => rows[narrow.At(n, from, x, c)]);
        return result;
    }

    private static float Mean(int index, int inputs, int outputs, Func<int, float> level)
    {
        double centre = (index + 0.5) * inputs / outputs, reach = Math.Max((double)inputs / outputs, 1);
        // Pillow rounds the window's ends to whole inputs, so that an input whose centre is exactly at the edge may be left out.
        int first = Math.Max((int)(centre - reach + 0.5), 0), end = Math.Min((int)(centre + reach + 0.5), inputs);
        double total = 0, sum = 0;
        for (var i = first; i < end; i++)
            total += Weight(i);
        for (var i = first; i < end; i++)
            sum += Math.Floor(Weight(i) / total * (1 << 22) + 0.5) * level(i);
        return (float)Math.Clamp(Math.Floor(sum / (1 << 22) + 0.5), 0, 255);

        double Weight(int i) => Math.Max(1 - Math.Abs((i + 0.5 - centre) / reach), 0);
    }
}
