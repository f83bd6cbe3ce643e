namespace Fpn.IlGpu.Verification.Reference;

/// <summary>Max pooling: the largest of the values that are in both the window and the map. NaN is the largest, as in PyTorch.</summary>
internal static class MaxPool2dReference
{
    /// <summary>The shape of the output, rounded down.</summary>
    public static Shape4 OutputShape(
        Shape4 shape, (int Y, int X) kernel, (int Y, int X) stride, (int Y, int X) padding) => new(
        shape.N,
        (shape.H + 2 * padding.Y - kernel.Y) / stride.Y + 1,
        (shape.W + 2 * padding.X - kernel.X) / stride.X + 1,
        shape.C);

    /// <summary>Pools [N, H, W, C] to [N, OH, OW, C]; padding is at most half of the kernel.</summary>
    public static float[] Run(
        float[] input, Shape4 shape, (int Y, int X) kernel, (int Y, int X) stride, (int Y, int X) padding)
    {
        var output = OutputShape(shape, kernel, stride, padding);
        var result = new float[output.Count];
        foreach ((var n, var oy, var ox, var c) in output.Elements())
        {
            var largest = float.NegativeInfinity;
            for (var ky = 0; ky < kernel.Y; ky++)
            {
                for (var kx = 0; kx < kernel.X; kx++)
                {
                    int y = oy * stride.Y - padding.Y + ky, x = ox * stride.X - padding.X + kx;
                    if (y < 0 || y >= shape.H || x < 0 || x >= shape.W)
                        continue;
                    var value = input[shape.At(n, y, x, c)];
                    if (value > largest || float.IsNaN(value))
                        largest = value;
                }
            }

            result[output.At(n, oy, ox, c)] = largest;
        }
        return result;
    }

    /// <summary>The gradient of the input: each output's gradient goes to the first of the window's largest values.</summary>
    public static float[] Gradient(
        float[] input, float[] outputGradient, Shape4 shape, (int Y, int X) kernel, (int Y, int X) stride, (int Y, int X) padding)
    {
        var output = OutputShape(shape, kernel, stride, padding);
        var result = new double[input.Length];
        foreach ((var n, var oy, var ox, var c) in output.Elements())
        {
            var first = -1;
            for (var ky = 0; ky < kernel.Y; ky++)
            {
                for (var kx = 0; kx < kernel.X; kx++)
                {
                    int y = oy * stride.Y - padding.Y + ky, x = ox * stride.X - padding.X + kx;
                    if (y < 0 || y >= shape.H || x < 0 || x >= shape.W)
                        continue;
                    var at = shape.At(n, y, x, c);
                    if (first < 0 || input[at] > input[first])
                        first = at;
                }
            }

            result[first] += outputGradient[output.At(n, oy, ox, c)];
        }
        return Array.ConvertAll(result, value => (float)value);
    }
}
