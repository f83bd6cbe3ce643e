using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// How a tile steps through its input: for each row of the window, for each run of it, RunLength values that lie one
/// after the other, for each of the tile's pixels. The weights are one stream in the same order.
/// </summary>
internal readonly unsafe struct TileWalk(
    float* start, int pixelStep, int rows, int rowStep, int runs, int runStep, int runLength)
{
    /// <summary>The first value of the tile's first pixel.</summary>
    public readonly float* Start = start;

    /// <summary>From one pixel of the tile to the next, in values.</summary>
    public readonly int PixelStep = pixelStep;

    /// <summary>Rows of the window.</summary>
    public readonly int Rows = rows;

    /// <summary>From one row of the window to the next, in values.</summary>
    public readonly int RowStep = rowStep;

    /// <summary>Runs of a row: 1 where its columns lie one after the other.</summary>
    public readonly int Runs = runs;

    /// <summary>From one run to the next, in values.</summary>
    public readonly int RunStep = runStep;

    /// <summary>Values of a run.</summary>
    public readonly int RunLength = runLength;
}

/// <summary>
/// The SIMD tile: sums[p, k] += Σ input[p, i] · weights[i, k], with every sum in a register of its own while i runs.
/// A step loads two vectors of weights and one value a pixel, and does two multiply-adds with each value, so that the
/// multipliers, not the loads, are what limits it. With 512-bit registers the tile is 12 pixels × 32 channels, else
/// 6 × 16 (on Arm, .NET makes two 128-bit registers of each 256-bit one).
/// </summary>
internal static unsafe class SimdTile
{
    /// <summary>Pixels of a tile.</summary>
    public static int Pixels => Vector512.IsHardwareAccelerated ? 12 : 6;

    /// <summary>Output channels of a tile.</summary>
    public static int Channels => Vector512.IsHardwareAccelerated ? 32 : 16;

    /// <summary>Computes a tile's sums, or adds to them.</summary>
    /// <param name="walk">The tile's input.</param>
    /// <param name="w">Weights [i, Channels], i in the order of the walk.</param>
    /// <param name="sums">[Pixels, Channels].</param>
    /// <param name="accumulate">Whether to add to what is there.</param>
    public static void Multiply(in TileWalk walk, float* w, float* sums, bool accumulate)
    {
        if (Vector512.IsHardwareAccelerated)
            Multiply12x32(walk, w, sums, accumulate);
        else
            Multiply6x16(walk, w, sums, accumulate);
    }

    /// <summary>output[p, k] = f(sums[p, k] + bias[k] + residual[p, k]) for the tile's first pixels and channels.</summary>
    /// <param name="sums">[Pixels, Channels].</param>
    /// <param name="bias">[channels].</param>
    /// <param name="residual">[pixels, channels], a pixel every pixelStep values; or null.</param>
    /// <param name="activation">f.</param>
    /// <param name="output">[pixels, channels], a pixel every pixelStep values.</param>
    /// <param name="pixelStep">From one pixel to the next, in values.</param>
    /// <param name="pixels">How many pixels to store.</param>
    /// <param name="channels">How many channels to store.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(
        float* sums, float* bias, float* residual, Activation activation, float* output, int pixelStep, int pixels, int channels)
    {
        for (var p = 0; p < pixels; p++, output += pixelStep, sums += Channels)
        {
            var k = 0;
            for (; k + Vector256<float>.Count <= channels; k += Vector256<float>.Count)
            {
                var sum = Vector256.Load(sums + k) + Vector256.Load(bias + k);
                if (residual != null)
                    sum += Vector256.Load(residual + k);
                Activate.EightLanes(sum, activation).Store(output + k);
            }
            for (; k < channels; k++)
            {
                var sum = sums[k] + bias[k];
                if (residual != null)
                    sum += residual[k];
                output[k] = Activate.Value(sum, activation);
            }
            if (residual != null)
                residual += pixelStep;
        }
    }

    /// <summary>12 pixels × 32 channels: 24 accumulators, two weights and a value in 32 registers.</summary>
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
        for (var row = 0; row < walk.Rows; row++)
        {
            for (var run = 0; run < walk.Runs; run++)
            {
                // Three pixels share a pointer: two more would not fit into an address.
                var x0 = walk.Start + (nint)row * walk.RowStep + (nint)run * walk.RunStep;
                var end = x0 + walk.RunLength;
                var x3 = x0 + 3 * pixel;
                var x6 = x0 + 6 * pixel;
                var x9 = x0 + 9 * pixel;
                for (; x0 < end; x0++, x3++, x6++, x9++, w += 32)
                {
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
        for (var row = 0; row < walk.Rows; row++)
        {
            for (var run = 0; run < walk.Runs; run++)
            {
                // Three pixels share a pointer: two more would not fit into an address.
                var x0 = walk.Start + (nint)row * walk.RowStep + (nint)run * walk.RunStep;
                var end = x0 + walk.RunLength;
                var x3 = x0 + 3 * pixel;
                for (; x0 < end; x0++, x3++, w += 16)
                {
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
