using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>The ways to compute the gradient of a convolution's weights, from the one to read first to the fastest.</summary>
internal enum WeightGradientForm
{
    /// <summary>One thread computes the gradient of one weight: <see cref="ConvolutionBackwardWeights.NaiveKernel"/>.</summary>
    Naive,

    /// <summary>Each channel on its own: <see cref="DepthwiseBackwardWeights"/>.</summary>
    Depthwise,

    /// <summary>Each loaded value is used for a row or column of a tile of weights: <see cref="TiledBackwardWeights"/>.</summary>
    Tile,

    /// <summary>The same by SIMD, on a CPU: <see cref="SimdBackwardWeights"/>.</summary>
    SimdTile,

    /// <summary>A quarter of the multiplications, for 3×3 windows, on a CPU: <see cref="SimdWinogradBackwardWeights"/>.</summary>
    SimdWinograd,
}

/// <summary>
/// The gradient of a convolution's weights:
/// <code>
/// dw[k, c, ky, kx] = Σ n, oy, ox  in[n, oy·s − p + ky·d, ox·s − p + kx·d, c] · dout[n, oy, ox, k]
/// </code>
/// with zeros outside the input, and c running over the channels of k's channel group. For each place of the window it is a matrix
/// product, [C, pixels] · [pixels, K], whose inner dimension is long: all pixels of the batch. That dimension is split where there would
/// be too few threads, and the parts are added in a fixed order (<see cref="PartialSums"/>): the same bits in every run, on any number
/// of cores. Read <see cref="NaiveKernel"/> first.
/// </summary>
internal static class ConvolutionBackwardWeights
{
    /// <summary>Computes the gradient.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="geometry">The forward convolution; for a matrix product over maps, one whose window is the map.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">dout, [N, OH, OW, K].</param>
    /// <param name="weightGradient">dw, [K, C / groups, kh, kw].</param>
    /// <param name="accumulate">Whether to add to dw instead of overwriting it.</param>
    /// <param name="form">The form to use, or null for the device's best.</param>
    public static void Run(
        Device device, ConvolutionGeometry geometry, Tensor input, Tensor outputGradient, ArrayView<float> weightGradient,
        bool accumulate = false, WeightGradientForm? form = null)
    {
        ConvolutionBackwardData.Validate(geometry, input.Shape, outputGradient.Shape);
        var sizes = ConvolutionSizes.From(input.Shape, outputGradient.Shape, geometry, Residual.None, Activation.None);
        var length = (long)geometry.OutputC * geometry.ChannelGroupInputC * geometry.KernelH * geometry.KernelW;
        if (weightGradient.Length != length)
        {
            throw new ArgumentException(
                $"A gradient of {weightGradient.Length} values doesn't fit {length} weights.", nameof(weightGradient));
        }
        device.MultiplyAdds += sizes.MultiplyAdds;
        switch (form ?? Ladder(device, geometry)[^1])
        {
            case WeightGradientForm.Naive:
                device.Launch(
                    NaiveKernel, (int)length, input.View, outputGradient.View, sizes, accumulate ? 1 : 0, weightGradient);
                break;
            case WeightGradientForm.Depthwise:
                DepthwiseBackwardWeights.Run(device, sizes, input.View, outputGradient.View, weightGradient, accumulate);
                break;
            case WeightGradientForm.Tile:
                TiledBackwardWeights.Run(device, sizes, input.View, outputGradient.View, weightGradient, accumulate);
                break;
            case WeightGradientForm.SimdTile:
                SimdBackwardWeights.Run(device, sizes, input.View, outputGradient.View, weightGradient, accumulate);
                break;
            case WeightGradientForm.SimdWinograd:
                SimdWinogradBackwardWeights.Run(device, sizes, input.View, outputGradient.View, weightGradient, accumulate);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(form), form, null);
        }
    }

    /// <summary>Returns all forms that can compute the gradient on a device, slowest first; the last one runs in production.</summary>
    public static IReadOnlyList<WeightGradientForm> Ladder(Device device, in ConvolutionGeometry geometry)
    {
        if (geometry.IsDepthwise)
            return [WeightGradientForm.Naive, WeightGradientForm.Depthwise];
        if (device.Info.Kind != DeviceKind.Cpu)
            return [WeightGradientForm.Naive, WeightGradientForm.Tile];
        return SimdWinograd.Takes(geometry)
            ? [WeightGradientForm.Naive, WeightGradientForm.SimdTile, WeightGradientForm.SimdWinograd]
            : [WeightGradientForm.Naive, WeightGradientForm.SimdTile];
    }

    /// <summary>One thread = the gradient of one weight (k, c, ky, kx).</summary>
    internal static void NaiveKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> outputGradient, ConvolutionSizes sizes, int accumulate,
        ArrayView<float> weightGradient)
    {
        var kx = index % sizes.KernelW;
        var ky = index / sizes.KernelW % sizes.KernelH;
        var groupC = index / sizes.KernelW / sizes.KernelH % sizes.ChannelGroupInputC;
        var k = index / sizes.KernelW / sizes.KernelH / sizes.ChannelGroupInputC;
        var c = k / sizes.ChannelGroupOutputC * sizes.ChannelGroupInputC + groupC;
        var sum = 0f;
        for (var n = 0; n < sizes.OutputN; n++)
        {
            for (var oy = 0; oy < sizes.OutputH; oy++)
            {
                var iy = oy * sizes.StrideY - sizes.PaddingY + ky * sizes.DilationY;
                if (iy < 0 || iy >= sizes.InputH)
                    continue;
                for (var ox = 0; ox < sizes.OutputW; ox++)
                {
                    var ix = ox * sizes.StrideX - sizes.PaddingX + kx * sizes.DilationX;
                    if (ix < 0 || ix >= sizes.InputW)
                        continue;
                    sum += input[((n * sizes.InputH + iy) * sizes.InputW + ix) * sizes.InputC + c]
                        * outputGradient[((n * sizes.OutputH + oy) * sizes.OutputW + ox) * sizes.OutputC + k];
                }
            }
        }
        weightGradient[index] = accumulate != 0 ? weightGradient[index] + sum : sum;
    }
}
