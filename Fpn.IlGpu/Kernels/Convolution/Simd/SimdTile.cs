using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Memory that is needed soon. A tile fetches it into the cache as it multiplies, at most a cache line with each value of
/// its walk: the processor sees by itself where a stream goes on, but not where the next one begins. Addresses may lie
/// outside of any tensor; nothing comes of fetching from there.
/// </summary>
internal readonly unsafe struct TileAhead(float* start, int rowStep, int step)
{
    /// <summary>What is fetched in the walk's first row.</summary>
    public readonly float* Start = start;

    /// <summary>From one row of the walk to the next, in values.</summary>
    public readonly int RowStep = rowStep;

    /// <summary>From one value of the walk to the next, in values.</summary>
    public readonly int Step = step;
}

/// <summary>
/// How a tile steps through its input: for each row of the window, for each run of it, RunLength values, as a rule one
/// after the other, for each of the tile's pixels. The weights are one stream in the same order.
/// </summary>
internal readonly unsafe struct TileWalk(
    float* start, int pixelStep, int rows, int rowStep, int runs, int runStep, int runLength, TileAhead? ahead = null,
    int valueStep = 1)
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

    /// <summary>What is fetched into the cache meanwhile.</summary>
    public readonly TileAhead Ahead = ahead ?? new TileAhead(start, 0, 0);
}

/// <summary>
/// The SIMD tile: sums[p, k] += Σ input[p, i] · weights[i, k], with every sum in a register of its own while i runs.
/// A step loads two vectors of weights and one value a pixel, and does two multiply-adds with each value, so that the
/// multipliers, not the loads, are what limits it. With 512-bit registers the tile is 12 pixels × 32 channels (6 × 32 and 12 × 16
/// where no more are left), else 6 × 16 (on Arm, .NET makes two 128-bit registers of each 256-bit one).
/// </summary>
internal static unsafe partial class SimdTile
{
    // Each tile reads its weights once, from the second-level cache. Fetched so many steps before they are multiplied, they are
    // there in time: 10 to 17 % gained where the window is 3×3. (The 12 × 16 tile is for few channels, whose weights are few.)
    private const int StepsAhead = 16;

    /// <summary>Pixels of a tile.</summary>
    public static int Pixels => Vector512.IsHardwareAccelerated ? 12 : 6;

    /// <summary>Output channels of a tile.</summary>
    public static int Channels => Vector512.IsHardwareAccelerated ? 32 : 16;

    /// <summary>How many pixels a tile reads of which so many count.</summary>
    public static int PixelsRead(int pixels) => Vector512.IsHardwareAccelerated && pixels <= 6 ? 6 : Pixels;

    /// <summary>Computes a tile's sums, or adds to them.</summary>
    /// <param name="walk">The tile's input.</param>
    /// <param name="w">Weights [i, Channels], i in the order of the walk.</param>
    /// <param name="sums">[Pixels, Channels].</param>
    /// <param name="accumulate">Whether to add to what is there.</param>
    /// <param name="pixels">How many of the tile's pixels count; of few, the other sums are left as they are.</param>
    /// <param name="channels">How many of its channels count; the same.</param>
    public static void Multiply(in TileWalk walk, float* w, float* sums, bool accumulate, int pixels, int channels)
    {
        if (!Vector512.IsHardwareAccelerated)
            Multiply6x16(walk, w, sums, accumulate);
        else if (pixels <= 6)
            Multiply6x32(walk, w, sums, accumulate);
        else if (channels <= Vector512<float>.Count)
            Multiply12x16(walk, w, sums, accumulate);
        else
            Multiply12x32(walk, w, sums, accumulate);
    }

    /// <summary>
    /// Fetches a cache line that is needed soon. The processor sees by itself where a stream goes, but too late for a tile's
    /// many short ones.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* from)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(from);
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
            for (; k + Vector512<float>.Count <= channels; k += Vector512<float>.Count)
            {
                var sum = Vector512.Load(sums + k) + Vector512.Load(bias + k);
                if (residual != null)
                    sum += Vector512.Load(residual + k);
                Activate.SixteenLanes(sum, activation).Store(output + k);
            }
            for (; k + Vector256<float>.Count <= channels; k += Vector256<float>.Count)
            {
                var sum = Vector256.Load(sums + k) + Vector256.Load(bias + k);
                if (residual != null)
                    sum += Vector256.Load(residual + k);
                Activate.EightLanes(sum, activation).Store(output + k);
            }
            if (k + Vector128<float>.Count <= channels)
            {
                var sum = Vector128.Load(sums + k) + Vector128.Load(bias + k);
                if (residual != null)
                    sum += Vector128.Load(residual + k);
                Activate.EightLanes(sum.ToVector256(), activation).GetLower().Store(output + k);
                k += Vector128<float>.Count;
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
