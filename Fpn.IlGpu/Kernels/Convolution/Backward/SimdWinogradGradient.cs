using System.Runtime.CompilerServices;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The transposed transforms of <see cref="WinogradTransform"/>, for the gradient of the weights, by SIMD over channels:
/// <code>
/// D = A dout Aᵀ     a tile [4, 4] to [6, 6]           dw = Gᵀ U G     [6, 6] to [3, 3]
/// </code>
/// </summary>
internal static unsafe class SimdWinogradGradient
{
    // G's factors for the points 0, ±a and ±b.
    private const float Zero = 1 / (WinogradTransform.A2 * WinogradTransform.B2);
    private const float OfA = 1 / (2 * WinogradTransform.A2 * (WinogradTransform.A2 - WinogradTransform.B2));
    private const float OfB = 1 / (2 * WinogradTransform.B2 * (WinogradTransform.B2 - WinogradTransform.A2));

    /// <summary>Computes A dout Aᵀ for neighbouring channels of a tile.</summary>
    /// <typeparam name="T">The register type.</typeparam>
    /// <param name="from">dout, [4, 4].</param>
    /// <param name="pixelStep">Step from one pixel to the next, in floats; a row is four pixels.</param>
    /// <param name="half">Room for 24 registers.</param>
    /// <param name="to">[6, 6].</param>
    /// <param name="valueStep">Step from one value of the transformed tile to the next, in floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Output<T>(float* from, nint pixelStep, float* half, float* to, nint valueStep)
        where T : struct, ISimdLanes<T>
    {
        for (var x = 0; x < 4; x++)
            OutputPass<T>(from + x * pixelStep, 4 * pixelStep, half + x * T.Count, 4 * T.Count);
        for (var y = 0; y < 6; y++)
            OutputPass<T>(half + 4 * y * T.Count, T.Count, to + 6 * y * valueStep, valueStep);
    }

    /// <summary>Computes Gᵀ U G for neighbouring output channels.</summary>
    /// <typeparam name="T">The register type.</typeparam>
    /// <param name="from">U, [6, 6].</param>
    /// <param name="valueStep">Step from one value of U to the next, in floats.</param>
    /// <param name="half">Room for 18 registers.</param>
    /// <param name="to">[3, 3].</param>
    /// <param name="placeStep">Step from one place of the window to the next, in floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weights<T>(float* from, nint valueStep, float* half, float* to, nint placeStep)
        where T : struct, ISimdLanes<T>
    {
        for (var x = 0; x < 6; x++)
            WeightPass<T>(from + x * valueStep, 6 * valueStep, half + x * T.Count, 6 * T.Count);
        for (var y = 0; y < 3; y++)
            WeightPass<T>(half + 6 * y * T.Count, T.Count, to + 3 * y * placeStep, placeStep);
    }

    /// <summary>Computes A d of one column: the polynomial with coefficients d at each point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputPass<T>(float* from, nint fromStep, float* to, nint toStep)
        where T : struct, ISimdLanes<T>
    {
        var d0 = T.Load(from);
        var d1 = T.Load(from + fromStep);
        var d2 = T.Load(from + 2 * fromStep);
        var d3 = T.Load(from + 3 * fromStep);
        var evenA = d2.MultiplyAdd(T.Of(WinogradTransform.A2), d0);
        var oddA = d3.MultiplyAdd(T.Of(WinogradTransform.A2), d1) * T.Of(WinogradTransform.A);
        var evenB = d2.MultiplyAdd(T.Of(WinogradTransform.B2), d0);
        var oddB = d3.MultiplyAdd(T.Of(WinogradTransform.B2), d1) * T.Of(WinogradTransform.B);
        d0.Store(to);
        (evenA + oddA).Store(to + toStep);
        (evenA - oddA).Store(to + 2 * toStep);
        (evenB + oddB).Store(to + 3 * toStep);
        (evenB - oddB).Store(to + 4 * toStep);
        d3.Store(to + 5 * toStep);
    }

    /// <summary>Computes Gᵀ u of one column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WeightPass<T>(float* from, nint fromStep, float* to, nint toStep)
        where T : struct, ISimdLanes<T>
    {
        var u1 = T.Load(from + fromStep);
        var u2 = T.Load(from + 2 * fromStep);
        var u3 = T.Load(from + 3 * fromStep);
        var u4 = T.Load(from + 4 * fromStep);
        var evenA = (u1 + u2) * T.Of(OfA);
        var oddA = (u1 - u2) * T.Of(OfA);
        var evenB = (u3 + u4) * T.Of(OfB);
        var oddB = (u3 - u4) * T.Of(OfB);
        T.Load(from).MultiplyAdd(T.Of(Zero), evenA + evenB).Store(to);
        oddA.MultiplyAdd(T.Of(WinogradTransform.A), oddB * T.Of(WinogradTransform.B)).Store(to + toStep);
        evenA.MultiplyAdd(T.Of(WinogradTransform.A2), evenB.MultiplyAdd(T.Of(WinogradTransform.B2), T.Load(from + 5 * fromStep)))
            .Store(to + 2 * toStep);
    }
}
