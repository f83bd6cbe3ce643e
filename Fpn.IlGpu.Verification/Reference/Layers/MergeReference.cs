namespace Fpn.IlGpu.Verification.Reference;

/// <summary>The pyramid's top-down step: the coarser map, upsampled to the lateral's size, plus the lateral.</summary>
internal static class MergeReference
{
    /// <summary>Coarse map [N, h, w, C] and lateral [N, H, W, C] to [N, H, W, C].</summary>
    public static float[] Run(float[] coarse, Shape4 coarseShape, float[] lateral, Shape4 lateralShape)
    {
        var result = NearestUpsampleReference.Run(coarse, coarseShape, lateralShape.H, lateralShape.W);
        for (var i = 0; i < result.Length; i++)
            result[i] += lateral[i];
        return result;
    }
}
