using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// How a tile steps through its input: for each row of the window, for each run of it, RunLength values, as a rule one
/// after the other, for each of the tile's pixels. The weights are one stream in the same order.
/// </summary>
internal readonly unsafe struct TileWalk(
    float* start, int pixelStep, int rows, int rowStep, int runs, int runStep, int runLength, int valueStep = 1)
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

    /// <summary>From one value of a run to the next.</summary>
    public readonly int ValueStep = valueStep;
}

/// <summary>
/// The SIMD tile: sums[p, k] += Σ input[p, i] · weights[i, k], with every sum in a register of its own while i runs.
/// A step loads two vectors of weights and one value a pixel, and does two multiply-adds with each value, so that the
/// multipliers, not the loads, are what limits it. With 512-bit registers the tile is 12 pixels × 32 channels (at a row's end 6), else
/// 6 × 16 (on Arm, .NET makes two 128-bit registers of each 256-bit one).
/// </summary>
internal static unsafe partial class SimdTile
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
    /// <param name="pixels">How many of the tile's pixels count; of few, the other sums are left as they are.</param>
    public static void Multiply(in TileWalk walk, float* w, float* sums, bool accumulate, int pixels)
    {
        if (!Vector512.IsHardwareAccelerated)
            Multiply6x16(walk, w, sums, accumulate);
        else if (pixels <= 6)
            Multiply6x32(walk, w, sums, accumulate);
        else
            Multiply12x32(walk, w, sums, accumulate);
    }

    /// <summary>
    /// A tile's epilogue: f(sums + bias + residual), at the pixels of an output row from x on and the channels from k on.
    /// </summary>
    /// <param name="sums">[Pixels, Channels].</param>
    /// <param name="bias">[K].</param>
    /// <param name="residual">The whole tensor, or anything if none is added.</param>
    /// <param name="s">All sizes.</param>
    /// <param name="n">The picture.</param>
    /// <param name="y">The row.</param>
    /// <param name="x">The first pixel.</param>
    /// <param name="k">The first channel.</param>
    /// <param name="pixels">How many pixels.</param>
    /// <param name="channels">How many channels.</param>
    /// <param name="output">The whole tensor.</param>
    public static void Finish(
        float* sums, float* bias, float* residual, in ConvolutionSizes s, int n, int y, int x, int k, int pixels, int channels,
        float* output)
    {
        output += (((long)n * s.OutputH + y) * s.OutputW + x) * s.OutputC + k;
        if (s.Residual != Residual.Upsampled)
        {
            var own = s.Residual == Residual.None ? null : residual + s.ResidualAt(n, y, x) + k;
            Store(sums, bias + k, own, s.Activation, output, s.OutputC, pixels, channels);
            return;
        }
        for (var p = 0; p < pixels; p++, output += s.OutputC)
        {
            var coarse = residual + s.ResidualAt(n, y, x + p) + k;
            Store(sums + p * Channels, bias + k, coarse, s.Activation, output, s.OutputC, 1, channels);
        }
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
    private static void Store(
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
}
