using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fpn.IlGpu.Kernels;

// With registers of 16 floats, for few channels, where a whole tile would compute many sums that are not stored.
internal static unsafe partial class SimdTile
{
    /// <summary>12 pixels × the first 16 of 32 channels, where no more channels are left: half of the work.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply12x16(in TileWalk walk, float* w, float* sums, bool accumulate)
    {
        var s0 = Vector512<float>.Zero;
        var s1 = Vector512<float>.Zero;
        var s2 = Vector512<float>.Zero;
        var s3 = Vector512<float>.Zero;
        var s4 = Vector512<float>.Zero;
        var s5 = Vector512<float>.Zero;
        var s6 = Vector512<float>.Zero;
        var s7 = Vector512<float>.Zero;
        var s8 = Vector512<float>.Zero;
        var s9 = Vector512<float>.Zero;
        var s10 = Vector512<float>.Zero;
        var s11 = Vector512<float>.Zero;
        if (accumulate)
        {
            s0 = Vector512.Load(sums + 0);
            s1 = Vector512.Load(sums + 32);
            s2 = Vector512.Load(sums + 64);
            s3 = Vector512.Load(sums + 96);
            s4 = Vector512.Load(sums + 128);
            s5 = Vector512.Load(sums + 160);
            s6 = Vector512.Load(sums + 192);
            s7 = Vector512.Load(sums + 224);
            s8 = Vector512.Load(sums + 256);
            s9 = Vector512.Load(sums + 288);
            s10 = Vector512.Load(sums + 320);
            s11 = Vector512.Load(sums + 352);
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
                    var weight = Vector512.Load(w);
                    s0 = Vector512.MultiplyAddEstimate(Vector512.Create(*x0), weight, s0);
                    s1 = Vector512.MultiplyAddEstimate(Vector512.Create(x0[pixel]), weight, s1);
                    s2 = Vector512.MultiplyAddEstimate(Vector512.Create(x0[pixel2]), weight, s2);
                    s3 = Vector512.MultiplyAddEstimate(Vector512.Create(*x3), weight, s3);
                    s4 = Vector512.MultiplyAddEstimate(Vector512.Create(x3[pixel]), weight, s4);
                    s5 = Vector512.MultiplyAddEstimate(Vector512.Create(x3[pixel2]), weight, s5);
                    s6 = Vector512.MultiplyAddEstimate(Vector512.Create(*x6), weight, s6);
                    s7 = Vector512.MultiplyAddEstimate(Vector512.Create(x6[pixel]), weight, s7);
                    s8 = Vector512.MultiplyAddEstimate(Vector512.Create(x6[pixel2]), weight, s8);
                    s9 = Vector512.MultiplyAddEstimate(Vector512.Create(*x9), weight, s9);
                    s10 = Vector512.MultiplyAddEstimate(Vector512.Create(x9[pixel]), weight, s10);
                    s11 = Vector512.MultiplyAddEstimate(Vector512.Create(x9[pixel2]), weight, s11);
                }
            }
        }
        s0.Store(sums + 0);
        s1.Store(sums + 32);
        s2.Store(sums + 64);
        s3.Store(sums + 96);
        s4.Store(sums + 128);
        s5.Store(sums + 160);
        s6.Store(sums + 192);
        s7.Store(sums + 224);
        s8.Store(sums + 256);
        s9.Store(sums + 288);
        s10.Store(sums + 320);
        s11.Store(sums + 352);
    }
}
