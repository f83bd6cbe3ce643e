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

    public static (float[] Input, float[] Gamma, float[] Beta) Gradient(
        float[] input, float[] outputGradient, Shape4 shape, float[] gamma, int groups, double epsilon)
    {
        var (result, ofGamma, ofBeta) = (new float[shape.Count], new double[shape.C], new double[shape.C]);
        for (var n = 0; n < shape.N; n++)
        {
            for (var group = 0; group < groups; group++)
            {
                var own = shape.Elements().Where(e => e.N == n && e.C / (shape.C / groups) == group)
                    .Select(e => (At: shape.At(e.N, e.Y, e.X, e.C), e.C)).ToList();
                var mean = own.Average(e => (double)input[e.At]);
                var root = Math.Sqrt(own.Average(e => Math.Pow(input[e.At] - mean, 2)) + epsilon);
                var level = own.Sum(e => (double)gamma[e.C] * outputGradient[e.At]);
                var slope = own.Sum(e => (double)gamma[e.C] * outputGradient[e.At] * (input[e.At] - mean) / root);
                foreach (var (at, c) in own)
                {
                    var normalised = (input[at] - mean) / root;
                    ofGamma[c] += outputGradient[at] * normalised;
                    ofBeta[c] += outputGradient[at];
                    result[at] = (float)(((double)gamma[c] * outputGradient[at] - (level + normalised * slope) / own.Count) / root);
                }
            }
        }
        return (result, Array.ConvertAll(ofGamma, v => (float)v), Array.ConvertAll(ofBeta, v => (float)v));
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
