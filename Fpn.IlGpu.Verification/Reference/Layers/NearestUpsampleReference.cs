namespace Fpn.IlGpu.Verification.Reference;

/// <summary>out[n, y, x, c] = in[n, floor(y · (H / OH)), floor(x · (W / OW)), c], computed in float.</summary>
internal static class NearestUpsampleReference
{
    /// <summary>The row (or column) of the input that a row (or column) of the output is copied from.</summary>
    public static int SourceIndex(int index, int inputs, int outputs)
        => Math.Min((int)MathF.Floor(index * ((float)inputs / outputs)), inputs - 1);

    /// <summary>Upsamples [N, H, W, C] to [N, height, width, C].</summary>
    public static float[] Run(float[] input, Shape4 shape, int height, int width)
    {
        var output = shape with { H = height, W = width };
        var result = new float[output.Count];
        foreach ((var n, var y, var x, var c) in output.Elements())
        {
            int sourceY = SourceIndex(y, shape.H, height), sourceX = SourceIndex(x, shape.W, width);
            result[output.At(n, y, x, c)] = input[shape.At(n, sourceY, sourceX, c)];
        }
        return result;
    }

    /// <summary>The gradient of the input, [N, H, W, C]: for each pixel, the sum over the output pixels that were copied from it.</summary>
    public static float[] Gradient(float[] outputGradient, Shape4 shape, int height, int width)
    {
        var output = shape with { H = height, W = width };
        var result = new double[shape.Count];
        foreach ((var n, var y, var x, var c) in output.Elements())
        {
            int sourceY = SourceIndex(y, shape.H, height), sourceX = SourceIndex(x, shape.W, width);
            result[shape.At(n, sourceY, sourceX, c)] += outputGradient[output.At(n, y, x, c)];
        }
        return Array.ConvertAll(result, value => (float)value);
    }
}
