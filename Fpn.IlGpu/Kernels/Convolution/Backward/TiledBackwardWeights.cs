using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of weights on GPUs. A thread sums 4 × 4 of them, for 4 input and 4 output channels at one place of the window, so that
/// each loaded value is multiplied four times. The sums are scalars, which stay in registers. Neighbouring threads have neighbouring
/// output channels, and read neighbouring addresses. The pixels are split among threads until there are enough threads.
/// </summary>
internal static class TiledBackwardWeights
{
    private const int Side = 4;

    // Enough threads for a large GPU; and the fewest pixels that are worth a part, and so its share of the second pass.
    private const int EnoughThreads = 1 << 17;
    private const int LeastPixels = 128;

    /// <summary>Launches the kernels; called by <see cref="ConvolutionBackwardWeights"/>, which has checked the sizes.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="sizes">The sizes of the forward convolution.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">dout, [N, OH, OW, K].</param>
    /// <param name="weightGradient">dw, [K, C / groups, kh, kw].</param>
    /// <param name="accumulate">Whether to add to dw instead of overwriting it.</param>
    public static void Run(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> outputGradient, ArrayView<float> weightGradient,
        bool accumulate)
    {
        var tiles = sizes.ChannelGroups * sizes.KernelH * sizes.KernelW
            * Division.CeilDiv(sizes.ChannelGroupInputC, Side) * Division.CeilDiv(sizes.ChannelGroupOutputC, Side);
        var pixels = sizes.OutputN * sizes.OutputH * sizes.OutputW;
        var parts = Math.Clamp(Math.Min(EnoughThreads / tiles, pixels / LeastPixels), 1, 256);
        using var partial = device.Rent<float>(parts * weightGradient.Length);
        device.Launch(Kernel, tiles * parts, input, outputGradient, sizes, parts, partial.View);
        PartialSums.Combine(device, partial.View, parts, accumulate, weightGradient);
    }

    /// <summary>One thread = 4 × 4 weights (k, c) at one place (ky, kx) of the window, over one part of the pixels.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> input, ArrayView<float> outputGradient, ConvolutionSizes sizes, int parts, ArrayView<float> partial)
    {
        var blocksK = (sizes.ChannelGroupOutputC + Side - 1) / Side;
        var blocksC = (sizes.ChannelGroupInputC + Side - 1) / Side;
        var groupK = index % blocksK * Side;
        var groupC = index / blocksK % blocksC * Side;
        var place = index / blocksK / blocksC;
        var kx = place % sizes.KernelW;
        var ky = place / sizes.KernelW % sizes.KernelH;
        var group = place / sizes.KernelW / sizes.KernelH % sizes.ChannelGroups;
        var part = place / sizes.KernelW / sizes.KernelH / sizes.ChannelGroups;

        // Beyond the last channel, the last one is read again, and its sums are not stored.
        var k0 = group * sizes.ChannelGroupOutputC + groupK;
        var lastK = sizes.ChannelGroupOutputC - 1 - groupK;
        var (k1, k2, k3) = (k0 + IntrinsicMath.Min(1, lastK), k0 + IntrinsicMath.Min(2, lastK), k0 + IntrinsicMath.Min(3, lastK));
        var c0 = group * sizes.ChannelGroupInputC + groupC;
        var lastC = sizes.ChannelGroupInputC - 1 - groupC;
        var (c1, c2, c3) = (c0 + IntrinsicMath.Min(1, lastC), c0 + IntrinsicMath.Min(2, lastC), c0 + IntrinsicMath.Min(3, lastC));

        var (s00, s01, s02, s03) = (0f, 0f, 0f, 0f);
        var (s10, s11, s12, s13) = (0f, 0f, 0f, 0f);
        var (s20, s21, s22, s23) = (0f, 0f, 0f, 0f);
        var (s30, s31, s32, s33) = (0f, 0f, 0f, 0f);
        var pixels = sizes.OutputN * sizes.OutputH * sizes.OutputW;
        var end = (int)((long)pixels * (part + 1) / parts);
        for (var pixel = (int)((long)pixels * part / parts); pixel < end; pixel++)
        {
            var iy = pixel / sizes.OutputW % sizes.OutputH * sizes.StrideY - sizes.PaddingY + ky * sizes.DilationY;
            var ix = pixel % sizes.OutputW * sizes.StrideX - sizes.PaddingX + kx * sizes.DilationX;
            if (iy < 0 || iy >= sizes.InputH || ix < 0 || ix >= sizes.InputW)
                continue;
            var from = ((pixel / sizes.OutputW / sizes.OutputH * sizes.InputH + iy) * sizes.InputW + ix) * sizes.InputC;
            var (x0, x1, x2, x3) = (input[from + c0], input[from + c1], input[from + c2], input[from + c3]);
            from = pixel * sizes.OutputC;
            var d = outputGradient[from + k0];
            s00 += x0 * d;
            s10 += x1 * d;
            s20 += x2 * d;
            s30 += x3 * d;
            d = outputGradient[from + k1];
            s01 += x0 * d;
            s11 += x1 * d;
            s21 += x2 * d;
            s31 += x3 * d;
            d = outputGradient[from + k2];
            s02 += x0 * d;
            s12 += x1 * d;
            s22 += x2 * d;
            s32 += x3 * d;
            d = outputGradient[from + k3];
            s03 += x0 * d;
            s13 += x1 * d;
            s23 += x2 * d;
            s33 += x3 * d;
        }

        // [part, K, C / groups, kh, kw]
        var stepC = sizes.KernelH * sizes.KernelW;
        var stepK = sizes.ChannelGroupInputC * stepC;
        var to = (part * sizes.OutputC + k0) * stepK + groupC * stepC + ky * sizes.KernelW + kx;
        Store(partial, to, stepC, lastC, s00, s10, s20, s30);
        if (lastK > 0)
            Store(partial, to + stepK, stepC, lastC, s01, s11, s21, s31);
        if (lastK > 1)
            Store(partial, to + 2 * stepK, stepC, lastC, s02, s12, s22, s32);
        if (lastK > 2)
            Store(partial, to + 3 * stepK, stepC, lastC, s03, s13, s23, s33);
    }

    /// <summary>Stores the sums of one output channel.</summary>
    private static void Store(ArrayView<float> partial, int to, int stepC, int lastC, float s0, float s1, float s2, float s3)
    {
        partial[to] = s0;
        if (lastC > 0)
            partial[to + stepC] = s1;
        if (lastC > 1)
            partial[to + 2 * stepC] = s2;
        if (lastC > 2)
            partial[to + 3 * stepC] = s3;
    }
}
