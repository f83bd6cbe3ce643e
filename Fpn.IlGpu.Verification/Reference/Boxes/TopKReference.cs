namespace Fpn.IlGpu.Verification.Reference;

/// <summary>Top-k: the largest values, largest first; equal values by ascending index.</summary>
internal static class TopKReference
{
    /// <summary>The indices of the min(k, length) largest values.</summary>
    public static int[] Run(float[] values, int k)
        => [.. Enumerable.Range(0, values.Length).OrderByDescending(i => values[i]).ThenBy(i => i).Take(k)];
}
