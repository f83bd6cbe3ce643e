namespace Fpn.IlGpu.Verification.Reference;

/// <summary>out[i] = 1 / (1 + exp(−in[i])).</summary>
internal static class SigmoidReference
{
    /// <summary>Applies the sigmoid to values of any shape.</summary>
    public static float[] Run(float[] input)
        => Array.ConvertAll(input, value => (float)(1 / (1 + Math.Exp(-(double)value))));
}
