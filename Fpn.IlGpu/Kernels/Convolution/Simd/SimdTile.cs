using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Memory that is needed soon. A tile prefetches it into the cache while it multiplies, at most one cache line for each value of its
/// walk: the processor predicts where a stream continues, but not where the next one begins. Addresses may be outside any tensor,
/// because prefetching them has no effect.
/// </summary>
internal readonly unsafe struct TileAhead(float* start, int rowStep, int step)
{
    /// <summary>Where prefetching begins for the walk's first row.</summary>
    public readonly float* Start = start;

    /// <summary>Step from one row of the walk to the next, in floats.</summary>
    public readonly int RowStep = rowStep;

    /// <summary>Step from one value of the walk to the next, in floats.</summary>
    public readonly int Step = step;
}

/// <summary>
/// How a tile steps through its input. Each row of the window has one or more runs, a run has RunLength values, usually contiguous, and
/// each value is read for each of the tile's pixels. The weights are one stream in the same order.
/// </summary>
internal readonly unsafe struct TileWalk(
    float* start, int pixelStep, int rows, int rowStep, int runs, int runStep, int runLength, TileAhead? ahead = null,
    int valueStep = 1)
{
    /// <summary>The first value of the tile's first pixel.</summary>
    public readonly float* Start = start;

    /// <summary>Step from one pixel of the tile to the next, in floats.</summary>
    public readonly int PixelStep = pixelStep;

    /// <summary>Rows of the window.</summary>
    public readonly int Rows = rows;

    /// <summary>Step from one row of the window to the next, in floats.</summary>
    public readonly int RowStep = rowStep;

    /// <summary>Runs in a row: 1 where its columns are contiguous.</summary>
    public readonly int Runs = runs;

    /// <summary>Step from one run to the next, in floats.</summary>
    public readonly int RunStep = runStep;

    /// <summary>Values in a run.</summary>
    public readonly int RunLength = runLength;

    /// <summary>Step from one value of a run to the next, in floats.</summary>
    public readonly int ValueStep = valueStep;

    /// <summary>What is prefetched into the cache meanwhile.</summary>
    public readonly TileAhead Ahead = ahead ?? new TileAhead(start, 0, 0);
}

/// <summary>
/// The SIMD tile: sums[p, k] += Σ i  input[p, i] · weights[i, k]. The sums stay in registers while i runs. A step loads two registers of
/// weights and one value for each pixel, and does two multiply-adds with each value, so that the multipliers, not the loads, are the
/// limit. With 512-bit registers the tile is 12 pixels × 32 channels (6 × 32 and 12 × 16 where no more are left), otherwise 6 × 16 (on
/// Arm, .NET splits each 256-bit register into two of 128 bits).
/// </summary>
internal static unsafe partial class SimdTile
{
    // Each tile reads its weights once, from the second-level cache. Prefetched this many steps early, they arrive in time, which gains
    // 10 to 17 % for 3×3 windows. (The 12 × 16 tile does not prefetch them: it is for few channels, which have few weights.)
    private const int StepsAhead = 16;

    /// <summary>Pixels in a tile.</summary>
    public static int Pixels => Vector512.IsHardwareAccelerated ? 12 : 6;

    /// <summary>Output channels in a tile.</summary>
    public static int Channels => Vector512.IsHardwareAccelerated ? 32 : 16;

    /// <summary>Returns how many pixels a tile reads when only some of them count.</summary>
    public static int PixelsRead(int pixels) => Vector512.IsHardwareAccelerated && pixels <= 6 ? 6 : Pixels;

    /// <summary>Computes a tile's sums, or adds to them.</summary>
    /// <param name="walk">The tile's input.</param>
    /// <param name="w">Weights [i, Channels], with i in the order of the walk.</param>
    /// <param name="sums">[Pixels, Channels].</param>
    /// <param name="accumulate">Whether to add to the sums instead of overwriting them.</param>
    /// <param name="pixels">How many of the tile's pixels count. If few do, the sums of the others are left unchanged.</param>
    /// <param name="channels">How many of its channels count. If few do, the sums of the others are left unchanged.</param>
    public static void Multiply(in TileWalk walk, float* w, float* sums, bool accumulate, int pixels, int channels)
    {
        if (!Vector512.IsHardwareAccelerated)
            MultiplySix<Lanes8>(walk, w, sums, accumulate);
        else if (pixels <= 6)
            MultiplySix<Lanes16>(walk, w, sums, accumulate);
        else if (channels <= Vector512<float>.Count)
            Multiply12x16(walk, w, sums, accumulate);
        else
            Multiply12x32(walk, w, sums, accumulate);
    }

    /// <summary>
    /// Prefetches a cache line that is needed soon. The processor predicts where a stream continues, but too late for a tile's many short
    /// streams.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* from)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(from);
    }

    /// <summary>
    /// A tile's epilogue: stores f(sums + bias + residual) for the pixels of an output row from x on and the channels from k on.
    /// </summary>
    /// <param name="sums">[Pixels, Channels].</param>
    /// <param name="bias">[K].</param>
    /// <param name="residual">The whole tensor; not read if none is added.</param>
    /// <param name="s">All sizes.</param>
    /// <param name="n">The picture.</param>
    /// <param name="y">The output row.</param>
    /// <param name="x">The first pixel of the row.</param>
    /// <param name="k">The first channel.</param>
    /// <param name="pixels">The number of pixels.</param>
    /// <param name="channels">The number of channels.</param>
    /// <param name="output">The whole tensor, [N, OH, OW, K].</param>
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
    /// <param name="residual">[pixels, channels], with pixels pixelStep floats apart; or null.</param>
    /// <param name="activation">f.</param>
    /// <param name="output">[pixels, channels], with pixels pixelStep floats apart.</param>
    /// <param name="pixelStep">Step from one pixel to the next, in floats.</param>
    /// <param name="pixels">The number of pixels to store.</param>
    /// <param name="channels">The number of channels to store.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store(
        float* sums, float* bias, float* residual, Activation activation, float* output, int pixelStep, int pixels, int channels)
    {
        // An exponential is a call. Within the loops it would make them keep their values in memory, so it has a pass of its own.
        var hasExponential = Activate.HasExponential(activation);
        var inRegisters = hasExponential ? Activation.None : activation;
        for (var p = 0; p < pixels; p++, output += pixelStep, sums += Channels)
        {
            var k = 0;
            for (; k + Vector512<float>.Count <= channels; k += Vector512<float>.Count)
            {
                var sum = Vector512.Load(sums + k) + Vector512.Load(bias + k);
                if (residual != null)
                    sum += Vector512.Load(residual + k);
                Activate.SixteenLanes(sum, inRegisters).Store(output + k);
            }
            for (; k + Vector256<float>.Count <= channels; k += Vector256<float>.Count)
            {
                var sum = Vector256.Load(sums + k) + Vector256.Load(bias + k);
                if (residual != null)
                    sum += Vector256.Load(residual + k);
                Activate.EightLanes(sum, inRegisters).Store(output + k);
            }
            if (k + Vector128<float>.Count <= channels)
            {
                var sum = Vector128.Load(sums + k) + Vector128.Load(bias + k);
                if (residual != null)
                    sum += Vector128.Load(residual + k);
                Activate.EightLanes(sum.ToVector256(), inRegisters).GetLower().Store(output + k);
                k += Vector128<float>.Count;
            }
            for (; k < channels; k++)
            {
                var sum = sums[k] + bias[k];
                if (residual != null)
                    sum += residual[k];
                output[k] = Activate.Value(sum, inRegisters);
            }
            if (hasExponential)
            {
                var row = new Span<float>(output, channels);
                Activate.Run(row, activation, row);
            }
            if (residual != null)
                residual += pixelStep;
        }
    }
}
