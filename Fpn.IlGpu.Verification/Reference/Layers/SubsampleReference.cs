namespace Fpn.IlGpu.Verification.Reference;

/// <summary>P6: every other row and column of P5, starting with the first (a 1×1 max pool of stride 2).</summary>
internal static class SubsampleReference
{
    /// <summary>The shape of the output: half the rows and columns, rounded up.</summary>
    public static Shape4 OutputShape(Shape4 shape) => shape with { H = (shape.H + 1) / 2, W = (shape.W + 1) / 2 };

    /// <summary>Subsamples [N, H, W, C] to [N, ceil(H / 2), ceil(W / 2), C].</summary>
    public static float[] Run(float[] input, Shape4 shape)
    {
        var output = OutputShape(shape);
        var result = new float[output.Count];
        foreach ((var n, var y, var x, var c) in output.Elements())
            result[output.At(n, y, x, c)] = input[shape.At(n, 2 * y, 2 * x, c)];
        return result;
    }
}
