namespace Fpn.IlGpu.Verification.Reference;

/// <summary>Some pixels of maps, and their gradient.</summary>
internal static class TakenPixelsReference
{
    /// <summary>Copies the pixels that begin at the given values to [S, C].</summary>
    public static float[] Run(float[] maps, int[] at, int channels)
    {
        var output = new float[at.Length * channels];
        for (var s = 0; s < at.Length; s++)
        {
            for (var c = 0; c < channels; c++)
                output[s * channels + c] = maps[at[s] + c];
        }
        return output;
    }

    /// <summary>The gradient of all maps, whose values have the given number; 0 where no pixel was taken.</summary>
    public static float[] Gradient(float[] outputGradient, int[] at, int channels, int values)
    {
        var gradient = new float[values];
        for (var s = 0; s < at.Length; s++)
        {
            for (var c = 0; c < channels; c++)
                gradient[at[s] + c] += outputGradient[s * channels + c];
        }
        return gradient;
    }
}
