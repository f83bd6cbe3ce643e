using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fpn.IlGpu.Kernels;

// Six pixels, for registers of either width.
internal static unsafe partial class SimdTile
{
    /// <summary>
    /// 6 pixels × two registers of channels: 12 accumulators, two registers of weights and one value, 15 of the 16 registers of a
    /// processor without AVX-512. There it is the whole tile, 6 × 16. With AVX-512 it is 6 × 32, for the end of a row, where a
    /// tile of 12 pixels would compute sums that are not stored.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplySix<T>(in TileWalk walk, float* w, float* sums, bool accumulate)
        where T : struct, ISimdLanes<T>
    {
        var s0a = T.Of(0);
        var s0b = T.Of(0);
        var s1a = T.Of(0);
        var s1b = T.Of(0);
        var s2a = T.Of(0);
        var s2b = T.Of(0);
        var s3a = T.Of(0);
        var s3b = T.Of(0);
        var s4a = T.Of(0);
        var s4b = T.Of(0);
        var s5a = T.Of(0);
        var s5b = T.Of(0);
        if (accumulate)
        {
            s0a = T.Load(sums);
            s0b = T.Load(sums + T.Count);
            s1a = T.Load(sums + 2 * T.Count);
            s1b = T.Load(sums + 3 * T.Count);
            s2a = T.Load(sums + 4 * T.Count);
            s2b = T.Load(sums + 5 * T.Count);
            s3a = T.Load(sums + 6 * T.Count);
            s3b = T.Load(sums + 7 * T.Count);
            s4a = T.Load(sums + 8 * T.Count);
            s4b = T.Load(sums + 9 * T.Count);
            s5a = T.Load(sums + 10 * T.Count);
            s5b = T.Load(sums + 11 * T.Count);
        }
        var pixel = (nint)walk.PixelStep;
        var pixel2 = 2 * pixel;
        var step = (nint)walk.ValueStep;
        var aheadStep = (nint)walk.Ahead.Step;
        for (var row = 0; row < walk.Rows; row++)
        {
            var ahead = walk.Ahead.Start + (nint)row * walk.Ahead.RowStep;
            for (var run = 0; run < walk.Runs; run++)
            {
                // Three pixels share a pointer: an x86 address can add pixel or 2 · pixel, but not 3 · pixel.
                var x0 = walk.Start + (nint)row * walk.RowStep + (nint)run * walk.RunStep;
                var end = x0 + walk.RunLength * step;
                var x3 = x0 + 3 * pixel;
                for (; x0 < end; x0 += step, x3 += step, w += 2 * T.Count, ahead += aheadStep)
                {
                    Prefetch(ahead);
                    // A step's weights are one cache line, or two.
                    Prefetch(w + StepsAhead * 2 * T.Count);
                    if (T.Count == Vector512<float>.Count)
                        Prefetch(w + StepsAhead * 2 * T.Count + T.Count);
                    var wa = T.Load(w);
                    var wb = T.Load(w + T.Count);
                    var x = T.Of(*x0);
                    T.Accumulate(ref s0a, x, wa);
                    T.Accumulate(ref s0b, x, wb);
                    x = T.Of(x0[pixel]);
                    T.Accumulate(ref s1a, x, wa);
                    T.Accumulate(ref s1b, x, wb);
                    x = T.Of(x0[pixel2]);
                    T.Accumulate(ref s2a, x, wa);
                    T.Accumulate(ref s2b, x, wb);
                    x = T.Of(*x3);
                    T.Accumulate(ref s3a, x, wa);
                    T.Accumulate(ref s3b, x, wb);
                    x = T.Of(x3[pixel]);
                    T.Accumulate(ref s4a, x, wa);
                    T.Accumulate(ref s4b, x, wb);
                    x = T.Of(x3[pixel2]);
                    T.Accumulate(ref s5a, x, wa);
                    T.Accumulate(ref s5b, x, wb);
                }
            }
        }
        s0a.Store(sums);
        s0b.Store(sums + T.Count);
        s1a.Store(sums + 2 * T.Count);
        s1b.Store(sums + 3 * T.Count);
        s2a.Store(sums + 4 * T.Count);
        s2b.Store(sums + 5 * T.Count);
        s3a.Store(sums + 6 * T.Count);
        s3b.Store(sums + 7 * T.Count);
        s4a.Store(sums + 8 * T.Count);
        s4b.Store(sums + 9 * T.Count);
        s5a.Store(sums + 10 * T.Count);
        s5b.Store(sums + 11 * T.Count);
    }
}
