namespace Fpn.IlGpu.Verification.Reference;

/// <summary>The largest values, best first; among equals the lower index first.</summary>
internal static class TopKReference
{
    /// <summary>Indices of the min(k, length) largest.</summary>
    public static int[] Run(float[] values, int k)
        => [.. Enumerable.Range(0, values.Length).OrderByDescending(i => values[i]).ThenBy(i => i).Take(k)];
}
