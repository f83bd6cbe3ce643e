namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// Batch norm and its gradients by their definition, in double: out = γ · x̂ + β with x̂ = (in − μ) / √(σ² + ε).
/// <code>
/// dβ = Σ dout     dγ = Σ dout · x̂
/// din = γ / √(σ² + ε) · (dout − (dβ + x̂ · dγ) / M)     live, of the batch's own μ and σ² over M pixels
/// din = γ / √(σ² + ε) · dout                           frozen
/// </code>
/// </summary>
internal sealed class BatchNormReference
{
    /// <summary>Before any activation, [N, H, W, C].</summary>
    public required float[] Output { get; init; }

    /// <summary>[N, H, W, C].</summary>
    public required float[] InputGradient { get; init; }

    /// <summary>[C].</summary>
    public required float[] GammaGradient { get; init; }

    /// <summary>[C].</summary>
    public required float[] BetaGradient { get; init; }

    /// <summary>What the running mean becomes, [C].</summary>
    public required float[] MeanAfter { get; init; }

    /// <summary>What the running variance becomes, [C].</summary>
    public required float[] VarianceAfter { get; init; }

    /// <summary>Computes all of it.</summary>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">[N, H, W, C].</param>
    /// <param name="channels">C.</param>
    /// <param name="norm">γ, β, and the running μ and σ², [C] each.</param>
    /// <param name="live">Whether μ and σ² are the batch's own.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="momentum">How far the running statistics move then.</param>
    public static BatchNormReference Run(
        float[] input, float[] outputGradient, int channels, (float[] Gamma, float[] Beta, float[] Mean, float[] Variance) norm,
        bool live, double epsilon, double momentum)
    {
        var (output, inputGradient) = (new float[input.Length], new float[input.Length]);
        var (gammaGradient, betaGradient) = (new float[channels], new float[channels]);
        float[] meanAfter = [.. norm.Mean], varianceAfter = [.. norm.Variance];
        var pixels = input.Length / channels;
        for (var c = 0; c < channels; c++)
        {
            int[] own = [.. Enumerable.Range(0, pixels).Select(pixel => pixel * channels + c)];
            double mean = norm.Mean[c], variance = norm.Variance[c];
            if (live)
            {
                mean = own.Average(i => (double)input[i]);
                variance = own.Average(i => (input[i] - mean) * (input[i] - mean));
                meanAfter[c] += (float)(momentum * (mean - meanAfter[c]));
                varianceAfter[c] += (float)(momentum * (variance * pixels / (pixels - 1) - varianceAfter[c]));
            }
            var factor = 1 / Math.Sqrt(variance + epsilon);
            var ofBeta = own.Sum(i => (double)outputGradient[i]);
            var ofGamma = own.Sum(i => outputGradient[i] * (input[i] - mean) * factor);
            foreach (var i in own)
            {
                var normalised = (input[i] - mean) * factor;
                output[i] = (float)(norm.Gamma[c] * normalised + norm.Beta[c]);
                var ofStatistics = live ? (ofBeta + normalised * ofGamma) / pixels : 0;
                inputGradient[i] = (float)(norm.Gamma[c] * factor * (outputGradient[i] - ofStatistics));
            }
            (gammaGradient[c], betaGradient[c]) = ((float)ofGamma, (float)ofBeta);
        }
        return new BatchNormReference
        {
            Output = output,
            InputGradient = inputGradient,
            GammaGradient = gammaGradient,
            BetaGradient = betaGradient,
            MeanAfter = meanAfter,
            VarianceAfter = varianceAfter,
        };
    }
}
