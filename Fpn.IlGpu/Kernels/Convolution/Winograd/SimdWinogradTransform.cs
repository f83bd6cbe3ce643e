using System.Runtime.CompilerServices;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The transforms of <see cref="WinogradTransform"/> by SIMD: as many channels at a time as a register has lanes. Each transform is one
/// pass over columns and one over rows. The points p and −p share their even and odd parts.
/// </summary>
internal static unsafe class SimdWinogradTransform
{
    /// <summary>Computes Bᵀ d B for neighbouring channels of a tile.</summary>
    /// <typeparam name="T">The register type.</typeparam>
    /// <param name="from">d, [6, 6].</param>
    /// <param name="rowStep">Step from one row of d to the next, in floats.</param>
    /// <param name="pixelStep">Step from one pixel of d to the next, in floats.</param>
    /// <param name="half">Room for 36 registers.</param>
    /// <param name="to">[6, 6].</param>
    /// <param name="valueStep">Step from one value of the transformed tile to the next, in floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Input<T>(float* from, nint rowStep, nint pixelStep, float* half, float* to, nint valueStep)
        where T : struct, ISimdLanes<T>
    {
        for (var x = 0; x < 6; x++)
            InputPass<T>(from + x * pixelStep, rowStep, half + x * T.Count, 6 * T.Count);
        for (var y = 0; y < 6; y++)
            InputPass<T>(half + 6 * y * T.Count, T.Count, to + 6 * y * valueStep, valueStep);
    }

    /// <summary>Computes Aᵀ m A for neighbouring channels of a tile.</summary>
    /// <typeparam name="T">The register type.</typeparam>
    /// <param name="from">m, [6, 6].</param>
    /// <param name="valueStep">Step from one value of m to the next, in floats.</param>
    /// <param name="half">Room for 24 registers.</param>
    /// <param name="to">[4, 4].</param>
    /// <param name="pixelStep">Step from one output pixel to the next, in floats; a row is four pixels.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Output<T>(float* from, nint valueStep, float* half, float* to, nint pixelStep)
        where T : struct, ISimdLanes<T>
    {
        for (var x = 0; x < 6; x++)
            OutputPass<T>(from + x * valueStep, 6 * valueStep, half + x * T.Count, 6 * T.Count);
        for (var y = 0; y < 4; y++)
            OutputPass<T>(half + 6 * y * T.Count, T.Count, to + 4 * y * pixelStep, pixelStep);
    }

    /// <summary>
    /// Computes Bᵀ d of one column. Bᵀ's rows are the coefficients of polynomials of degree 4 or 5 that vanish at all points but one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void InputPass<T>(float* from, nint fromStep, float* to, nint toStep)
        where T : struct, ISimdLanes<T>
    {
        var d0 = T.Load(from);
        var d1 = T.Load(from + fromStep);
        var d2 = T.Load(from + 2 * fromStep);
        var d3 = T.Load(from + 3 * fromStep);
        var d4 = T.Load(from + 4 * fromStep);
        var d5 = T.Load(from + 5 * fromStep);
        var sum = T.Of(-WinogradTransform.Sum);
        var product = T.Of(WinogradTransform.Product);
        var minusA2 = T.Of(-WinogradTransform.A2);
        var minusB2 = T.Of(-WinogradTransform.B2);
        var evenA = d2.MultiplyAdd(minusB2, d4);
        var oddA = d1.MultiplyAdd(minusB2, d3) * T.Of(WinogradTransform.A);
        var evenB = d2.MultiplyAdd(minusA2, d4);
        var oddB = d1.MultiplyAdd(minusA2, d3) * T.Of(WinogradTransform.B);
        d0.MultiplyAdd(product, d2.MultiplyAdd(sum, d4)).Store(to);
        (evenA + oddA).Store(to + toStep);
        (evenA - oddA).Store(to + 2 * toStep);
        (evenB + oddB).Store(to + 3 * toStep);
        (evenB - oddB).Store(to + 4 * toStep);
        d1.MultiplyAdd(product, d3.MultiplyAdd(sum, d5)).Store(to + 5 * toStep);
    }

    /// <summary>Computes Aᵀ m of one column. Row i of Aᵀ has the i-th power of each point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputPass<T>(float* from, nint fromStep, float* to, nint toStep)
        where T : struct, ISimdLanes<T>
    {
        var m1 = T.Load(from + fromStep);
        var m2 = T.Load(from + 2 * fromStep);
        var m3 = T.Load(from + 3 * fromStep);
        var m4 = T.Load(from + 4 * fromStep);
        var evenA = m1 + m2;
        var oddA = m1 - m2;
        var evenB = m3 + m4;
        var oddB = m3 - m4;
        (T.Load(from) + evenA + evenB).Store(to);
        oddA.MultiplyAdd(T.Of(WinogradTransform.A), oddB * T.Of(WinogradTransform.B)).Store(to + toStep);
        evenA.MultiplyAdd(T.Of(WinogradTransform.A2), evenB * T.Of(WinogradTransform.B2)).Store(to + 2 * toStep);
        oddA.MultiplyAdd(T.Of(WinogradTransform.A3), oddB.MultiplyAdd(T.Of(WinogradTransform.B3), T.Load(from + 5 * fromStep)))
            .Store(to + 3 * toStep);
    }
}
