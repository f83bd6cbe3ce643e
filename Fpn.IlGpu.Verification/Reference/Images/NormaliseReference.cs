namespace Fpn.IlGpu.Verification.Reference;

/// <summary>out[…, c] = (in[…, c] · scale − mean[c]) / std[c]; with bgr, the input's channels are read in reverse order.</summary>
internal static class NormaliseReference
{
    /// <summary>Normalises […, C], where C is the length of <paramref name="mean"/>.</summary>
    public static float[] Run(float[] input, float scale, float[] mean, float[] std, bool bgr = false)
    {
        var channels = mean.Length;
        var result = new float[input.Length];
        for (var i = 0; i < input.Length; i++)
        {
            var c = i % channels;
            var value = input[bgr ? i - c + channels - 1 - c : i];
            result[i] = (value * scale - mean[c]) / std[c];
        }
        return result;
    }
}
