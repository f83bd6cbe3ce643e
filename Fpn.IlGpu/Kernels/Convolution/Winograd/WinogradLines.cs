namespace Fpn.IlGpu.Kernels;

/// <summary>A row or column of six values for <see cref="WinogradTransform"/>, as scalars, which stay in registers.</summary>
internal readonly record struct SixValues(float V0, float V1, float V2, float V3, float V4, float V5)
{
    /// <summary>Returns Bᵀ d.</summary>
    public SixValues Input()
    {
        var evenA = V4 - WinogradTransform.B2 * V2;
        var oddA = WinogradTransform.A * (V3 - WinogradTransform.B2 * V1);
        var evenB = V4 - WinogradTransform.A2 * V2;
        var oddB = WinogradTransform.B * (V3 - WinogradTransform.A2 * V1);
        return new SixValues(
            V4 - WinogradTransform.Sum * V2 + WinogradTransform.Product * V0,
            evenA + oddA,
            evenA - oddA,
            evenB + oddB,
            evenB - oddB,
            V5 - WinogradTransform.Sum * V3 + WinogradTransform.Product * V1);
    }

    /// <summary>Returns Aᵀ m.</summary>
    public Float4 Output()
    {
        var evenA = V1 + V2;
        var oddA = V1 - V2;
        var evenB = V3 + V4;
        var oddB = V3 - V4;
        return new Float4(
            V0 + evenA + evenB,
            WinogradTransform.A * oddA + WinogradTransform.B * oddB,
            WinogradTransform.A2 * evenA + WinogradTransform.B2 * evenB,
            WinogradTransform.A3 * oddA + WinogradTransform.B3 * oddB + V5);
    }
}
