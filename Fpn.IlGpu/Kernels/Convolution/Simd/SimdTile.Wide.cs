using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fpn.IlGpu.Kernels;

// With registers of 16 floats.
internal static unsafe partial class SimdTile
{
    /// <summary>12 pixels × 32 channels: 24 accumulators, two registers of weights and one value, 27 of 32 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply12x32(in TileWalk walk, float* w, float* sums, bool accumulate)
    {
        var s0a = Vector512<float>.Zero;
        var s0b = Vector512<float>.Zero;
        var s1a = Vector512<float>.Zero;
        var s1b = Vector512<float>.Zero;
        var s2a = Vector512<float>.Zero;
        var s2b = Vector512<float>.Zero;
        var s3a = Vector512<float>.Zero;
        var s3b = Vector512<float>.Zero;
        var s4a = Vector512<float>.Zero;
        var s4b = Vector512<float>.Zero;
        var s5a = Vector512<float>.Zero;
        var s5b = Vector512<float>.Zero;
        var s6a = Vector512<float>.Zero;
        var s6b = Vector512<float>.Zero;
        var s7a = Vector512<float>.Zero;
        var s7b = Vector512<float>.Zero;
        var s8a = Vector512<float>.Zero;
        var s8b = Vector512<float>.Zero;
        var s9a = Vector512<float>.Zero;
        var s9b = Vector512<float>.Zero;
        var s10a = Vector512<float>.Zero;
        var s10b = Vector512<float>.Zero;
        var s11a = Vector512<float>.Zero;
        var s11b = Vector512<float>.Zero;
        if (accumulate)
        {
            s0a = Vector512.Load(sums + 0);
            s0b = Vector512.Load(sums + 16);
            s1a = Vector512.Load(sums + 32);
            s1b = Vector512.Load(sums + 48);
            s2a = Vector512.Load(sums + 64);
            s2b = Vector512.Load(sums + 80);
            s3a = Vector512.Load(sums + 96);
            s3b = Vector512.Load(sums + 112);
            s4a = Vector512.Load(sums + 128);
            s4b = Vector512.Load(sums + 144);
            s5a = Vector512.Load(sums + 160);
            s5b = Vector512.Load(sums + 176);
            s6a = Vector512.Load(sums + 192);
            s6b = Vector512.Load(sums + 208);
            s7a = Vector512.Load(sums + 224);
            s7b = Vector512.Load(sums + 240);
            s8a = Vector512.Load(sums + 256);
            s8b = Vector512.Load(sums + 272);
            s9a = Vector512.Load(sums + 288);
            s9b = Vector512.Load(sums + 304);
            s10a = Vector512.Load(sums + 320);
            s10b = Vector512.Load(sums + 336);
            s11a = Vector512.Load(sums + 352);
            s11b = Vector512.Load(sums + 368);
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
                var x6 = x0 + 6 * pixel;
                var x9 = x0 + 9 * pixel;
                for (; x0 < end; x0 += step, x3 += step, x6 += step, x9 += step, w += 32, ahead += aheadStep)
                {
                    Prefetch(ahead);
                    Prefetch(w + StepsAhead * 32);
                    Prefetch(w + StepsAhead * 32 + 16);
                    var wa = Vector512.Load(w);
                    var wb = Vector512.Load(w + 16);
                    var x = Vector512.Create(*x0);
                    s0a = Vector512.MultiplyAddEstimate(x, wa, s0a);
                    s0b = Vector512.MultiplyAddEstimate(x, wb, s0b);
                    x = Vector512.Create(x0[pixel]);
                    s1a = Vector512.MultiplyAddEstimate(x, wa, s1a);
                    s1b = Vector512.MultiplyAddEstimate(x, wb, s1b);
                    x = Vector512.Create(x0[pixel2]);
                    s2a = Vector512.MultiplyAddEstimate(x, wa, s2a);
                    s2b = Vector512.MultiplyAddEstimate(x, wb, s2b);
                    x = Vector512.Create(*x3);
                    s3a = Vector512.MultiplyAddEstimate(x, wa, s3a);
                    s3b = Vector512.MultiplyAddEstimate(x, wb, s3b);
                    x = Vector512.Create(x3[pixel]);
                    s4a = Vector512.MultiplyAddEstimate(x, wa, s4a);
                    s4b = Vector512.MultiplyAddEstimate(x, wb, s4b);
                    x = Vector512.Create(x3[pixel2]);
                    s5a = Vector512.MultiplyAddEstimate(x, wa, s5a);
                    s5b = Vector512.MultiplyAddEstimate(x, wb, s5b);
                    x = Vector512.Create(*x6);
                    s6a = Vector512.MultiplyAddEstimate(x, wa, s6a);
                    s6b = Vector512.MultiplyAddEstimate(x, wb, s6b);
                    x = Vector512.Create(x6[pixel]);
                    s7a = Vector512.MultiplyAddEstimate(x, wa, s7a);
                    s7b = Vector512.MultiplyAddEstimate(x, wb, s7b);
                    x = Vector512.Create(x6[pixel2]);
                    s8a = Vector512.MultiplyAddEstimate(x, wa, s8a);
                    s8b = Vector512.MultiplyAddEstimate(x, wb, s8b);
                    x = Vector512.Create(*x9);
                    s9a = Vector512.MultiplyAddEstimate(x, wa, s9a);
                    s9b = Vector512.MultiplyAddEstimate(x, wb, s9b);
                    x = Vector512.Create(x9[pixel]);
                    s10a = Vector512.MultiplyAddEstimate(x, wa, s10a);
                    s10b = Vector512.MultiplyAddEstimate(x, wb, s10b);
                    x = Vector512.Create(x9[pixel2]);
                    s11a = Vector512.MultiplyAddEstimate(x, wa, s11a);
                    s11b = Vector512.MultiplyAddEstimate(x, wb, s11b);
                }
            }
        }
        s0a.Store(sums + 0);
        s0b.Store(sums + 16);
        s1a.Store(sums + 32);
        s1b.Store(sums + 48);
        s2a.Store(sums + 64);
        s2b.Store(sums + 80);
        s3a.Store(sums + 96);
        s3b.Store(sums + 112);
        s4a.Store(sums + 128);
        s4b.Store(sums + 144);
        s5a.Store(sums + 160);
        s5b.Store(sums + 176);
        s6a.Store(sums + 192);
        s6b.Store(sums + 208);
        s7a.Store(sums + 224);
        s7b.Store(sums + 240);
        s8a.Store(sums + 256);
        s8b.Store(sums + 272);
        s9a.Store(sums + 288);
        s9b.Store(sums + 304);
        s10a.Store(sums + 320);
        s10b.Store(sums + 336);
        s11a.Store(sums + 352);
        s11b.Store(sums + 368);
    }
}
