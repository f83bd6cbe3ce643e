using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// out = f(γ · (in − mean) / √(variance + ε) + β), with mean and variance over all pixels of a picture and the channels of a group, as
/// in PyTorch's group_norm.
/// </summary>
internal static class GroupNormReference
{
    public static float[] Run(float[] input, Shape4 shape, float[] gamma, float[] beta, int groups, double epsilon, Activation activation)
    {
        var result = new float[shape.Count];
        var width = shape.C / groups;
        for (var n = 0; n < shape.N; n++)
        {
            for (var group = 0; group < groups; group++)
            {
                var own = shape.Elements().Where(e => e.N == n && e.C / width == group).ToList();
                var mean = own.Average(e => (double)input[shape.At(e.N, e.Y, e.X, e.C)]);
                var variance = own.Average(e => Math.Pow(input[shape.At(e.N, e.Y, e.X, e.C)] - mean, 2));
                foreach ((var _, var y, var x, var c) in own)
                {
                    var at = shape.At(n, y, x, c);
                    var value = gamma[c] * (input[at] - mean) / Math.Sqrt(variance + epsilon) + beta[c];
                    result[at] = (float)ActivationReference.Of(value, activation);
                }
            }
        }

        return result;
    }
}

/// <summary>out[n, c] = the mean of in[n, y, x, c] over all y, x.</summary>
internal static class GlobalAveragePoolReference
{
    public static float[] Run(float[] input, Shape4 shape)
    {
        var sums = new double[shape.N * shape.C];
        foreach ((var n, var y, var x, var c) in shape.Elements())
            sums[n * shape.C + c] += input[shape.At(n, y, x, c)];
        return [.. sums.Select(sum => (float)(sum / (shape.H * shape.W)))];
    }
}
