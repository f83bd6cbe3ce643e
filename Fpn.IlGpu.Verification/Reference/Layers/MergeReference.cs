namespace Fpn.IlGpu.Verification.Reference;

/// <summary>The pyramid's top-down step: the lateral plus the coarser map, upsampled to the lateral's size.</summary>
internal static class MergeReference
{
    /// <summary>Merges a coarse map [N, h, w, C] and a lateral [N, H, W, C] to [N, H, W, C].</summary>
    public static float[] Run(float[] coarse, Shape4 coarseShape, float[] lateral, Shape4 lateralShape)
    {
        var result = NearestUpsampleReference.Run(coarse, coarseShape, lateralShape.H, lateralShape.W);
        for (var i = 0; i < result.Length; i++)
            result[i] += lateral[i];
        return result;
    }
}
