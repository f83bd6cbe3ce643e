using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fpn.IlGpu.Kernels;

// With registers of 8 floats.
internal static unsafe partial class SimdTile
{
    /// <summary>6 pixels × 16 channels: 12 accumulators, two weights and a value in 16 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply6x16(in TileWalk walk, float* w, float* sums, bool accumulate)
    {
        var s0a = Vector256<float>.Zero;
        var s0b = Vector256<float>.Zero;
        var s1a = Vector256<float>.Zero;
        var s1b = Vector256<float>.Zero;
        var s2a = Vector256<float>.Zero;
        var s2b = Vector256<float>.Zero;
        var s3a = Vector256<float>.Zero;
        var s3b = Vector256<float>.Zero;
        var s4a = Vector256<float>.Zero;
        var s4b = Vector256<float>.Zero;
        var s5a = Vector256<float>.Zero;
        var s5b = Vector256<float>.Zero;
        if (accumulate)
        {
            s0a = Vector256.Load(sums + 0);
            s0b = Vector256.Load(sums + 8);
            s1a = Vector256.Load(sums + 16);
            s1b = Vector256.Load(sums + 24);
            s2a = Vector256.Load(sums + 32);
            s2b = Vector256.Load(sums + 40);
            s3a = Vector256.Load(sums + 48);
            s3b = Vector256.Load(sums + 56);
            s4a = Vector256.Load(sums + 64);
            s4b = Vector256.Load(sums + 72);
            s5a = Vector256.Load(sums + 80);
            s5b = Vector256.Load(sums + 88);
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
                // Three pixels share a pointer: two more would not fit into an address.
                var x0 = walk.Start + (nint)row * walk.RowStep + (nint)run * walk.RunStep;
                var end = x0 + walk.RunLength * step;
                var x3 = x0 + 3 * pixel;
                for (; x0 < end; x0 += step, x3 += step, w += 16, ahead += aheadStep)
                {
                    Prefetch(ahead);
                    Prefetch(w + StepsAhead * 16);
                    var wa = Vector256.Load(w);
                    var wb = Vector256.Load(w + 8);
                    var x = Vector256.Create(*x0);
                    s0a = Vector256.MultiplyAddEstimate(x, wa, s0a);
                    s0b = Vector256.MultiplyAddEstimate(x, wb, s0b);
                    x = Vector256.Create(x0[pixel]);
                    s1a = Vector256.MultiplyAddEstimate(x, wa, s1a);
                    s1b = Vector256.MultiplyAddEstimate(x, wb, s1b);
                    x = Vector256.Create(x0[pixel2]);
                    s2a = Vector256.MultiplyAddEstimate(x, wa, s2a);
                    s2b = Vector256.MultiplyAddEstimate(x, wb, s2b);
                    x = Vector256.Create(*x3);
                    s3a = Vector256.MultiplyAddEstimate(x, wa, s3a);
                    s3b = Vector256.MultiplyAddEstimate(x, wb, s3b);
                    x = Vector256.Create(x3[pixel]);
                    s4a = Vector256.MultiplyAddEstimate(x, wa, s4a);
                    s4b = Vector256.MultiplyAddEstimate(x, wb, s4b);
                    x = Vector256.Create(x3[pixel2]);
                    s5a = Vector256.MultiplyAddEstimate(x, wa, s5a);
                    s5b = Vector256.MultiplyAddEstimate(x, wb, s5b);
                }
            }
        }
        s0a.Store(sums + 0);
        s0b.Store(sums + 8);
        s1a.Store(sums + 16);
        s1b.Store(sums + 24);
        s2a.Store(sums + 32);
        s2b.Store(sums + 40);
        s3a.Store(sums + 48);
        s3b.Store(sums + 56);
        s4a.Store(sums + 64);
        s4b.Store(sums + 72);
        s5a.Store(sums + 80);
        s5b.Store(sums + 88);
    }
}
