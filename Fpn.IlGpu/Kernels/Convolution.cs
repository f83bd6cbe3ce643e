using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Convolution with everything that follows it in a residual block:
/// <code>
/// out[n, y, x, k] = f( bias[k] + residual[n, y, x, k]
///                         + Σ ky, kx, c  in[n, y·s − p + ky·d, x·s − p + kx·d, c] · weights[ky, kx, c, k] )
/// </code>
/// with zeros outside the input, f the activation, and c running over the channels of k's group. Batch norm is folded into weights and
/// bias. As in PyTorch, this is a correlation: the window is not flipped. Read <see cref="NaiveKernel"/> first; the one
/// that runs is <see cref="TiledKernel"/>, whose inner block is <see cref="ConvolutionTile"/>.
/// </summary>
internal static class Convolution
{
    /// <summary>Runs the tiled kernel, or the depthwise one where every group is one channel.</summary>
    /// <param name="device">Where all tensors are.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="weights">Packed for this device, with the bias.</param>
    /// <param name="window">Stride, padding, dilation, groups.</param>
    /// <param name="residual">[N, OH, OW, K] to add, or null.</param>
    /// <param name="activation">f, what ends the layer.</param>
    /// <param name="output">[N, OH, OW, K].</param>
    public static void Run(
        Device device, Tensor input, ConvolutionWeights weights, ConvolutionWindow window, Tensor? residual, Activation activation,
        Tensor output)
    {
        var sizes = Validate(input, weights, window, residual, activation, output);
        var residualView = (residual ?? output).View;
        device.MultiplyAdds += sizes.MultiplyAdds;
        if (weights.IsDepthwise)
        {
            DepthwiseConvolution.Run(device, sizes, input.View, weights.Values, weights.Bias, residualView, output.View);
            return;
        }

        sizes = ConvolutionTile.Plan(device, sizes.FlattenPointwise());
        device.Launch(
            TiledKernel, ConvolutionTile.Threads(sizes), input.View, weights.Values, weights.Bias, residualView, sizes, output.View);
    }

    /// <summary>Runs the naive kernel; its weights are [kh, kw, C / groups, K] as they are.</summary>
    public static void RunNaive(
        Device device, Tensor input, ArrayView<float> weights, ArrayView<float> bias, (int H, int W) kernel,
        ConvolutionWindow window, Tensor? residual, Activation activation, Tensor output)
    {
        var sizes = ConvolutionSizes.From(input.Shape, output.Shape, kernel.H, kernel.W, window, residual is not null, activation);
        device.Launch(
            NaiveKernel, (int)output.Shape.Length, input.View, weights, bias, (residual ?? output).View, sizes, output.View);
    }

    /// <summary>One thread = one output (n, y, x, k).</summary>
    internal static void NaiveKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, ArrayView<float> output)
    {
        int i = index;
        var k = i % sizes.OutputC;
        var x = i / sizes.OutputC % sizes.OutputW;
        var y = i / sizes.OutputC / sizes.OutputW % sizes.OutputH;
        var n = i / sizes.OutputC / sizes.OutputW / sizes.OutputH;
        var firstC = k / sizes.GroupOutputC * sizes.GroupInputC;

        var sum = bias[k];
        for (var ky = 0; ky < sizes.KernelH; ky++)
        {
            var iy = y * sizes.StrideY - sizes.PaddingY + ky * sizes.DilationY;
            if (iy < 0 || iy >= sizes.InputH)
                continue;
            for (var kx = 0; kx < sizes.KernelW; kx++)
            {
                var ix = x * sizes.StrideX - sizes.PaddingX + kx * sizes.DilationX;
                if (ix < 0 || ix >= sizes.InputW)
                    continue;
                var pixel = ((n * sizes.InputH + iy) * sizes.InputW + ix) * sizes.InputC + firstC;
                var weight = (ky * sizes.KernelW + kx) * sizes.GroupInputC * sizes.OutputC + k;
                for (var c = 0; c < sizes.GroupInputC; c++)
                    sum += input[pixel + c] * weights[weight + c * sizes.OutputC];
            }
        }
        if (sizes.HasResidual != 0)
            sum += residual[i];
        output[i] = Activate.Value(sum, sizes.Activation);
    }

    /// <summary>One thread = one segment of an output row × some blocks of output channels (see <see cref="Tiling"/>).</summary>
    internal static void TiledKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, ArrayView<float> output)
        => ConvolutionTile.Run(input, weights, bias, residual, sizes, TilePosition.Of(index, sizes), output);

    private static ConvolutionSizes Validate(
        Tensor input, ConvolutionWeights weights, ConvolutionWindow window, Tensor? residual, Activation activation, Tensor output)
    {
        if (input.Shape.C != weights.GroupInputC * window.Groups || weights.Groups != window.Groups)
        {
            throw new ArgumentException(
                $"Weights for {weights.GroupInputC} channels in each of {weights.Groups} groups don't fit an input of {input.Shape}.");
        }
        var expected = window.OutputShape(input.Shape, weights.KernelH, weights.KernelW, weights.OutputC);
        if (output.Shape != expected)
            throw new ArgumentException($"The output must be {expected}, not {output.Shape}.", nameof(output));
        if (residual is not null && residual.Shape != expected)
            throw new ArgumentException($"The residual must be {expected}, not {residual.Shape}.", nameof(residual));
        return ConvolutionSizes.From(
            input.Shape, output.Shape, weights.KernelH, weights.KernelW, window, residual is not null, activation);
    }
}
