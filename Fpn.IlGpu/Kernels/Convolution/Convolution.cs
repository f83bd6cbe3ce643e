using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Convolution together with everything that follows it in a residual block:
/// <code>
/// out[n, y, x, k] = f( bias[k] + residual[n, y, x, k]
///                         + Σ ky, kx, c  in[n, y·s − p + ky·d, x·s − p + kx·d, c] · weights[ky, kx, c, k] )
/// </code>
/// with zeros outside the input, f the activation, and c running over the channels of k's channel group. Batch norm is folded into
/// weights and bias. As in PyTorch, this is a cross-correlation: the window is not flipped. Read <see cref="NaiveConvolution"/> first;
/// <see cref="ConvolutionForm"/> lists the faster forms.
/// </summary>
internal static class Convolution
{
    /// <summary>Checks the shapes, and runs the convolution in the form that its weights are packed for.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="weights">Weights and bias, packed for this device.</param>
    /// <param name="residual">[N, OH, OW, K], added before the activation; or null.</param>
    /// <param name="activation">f.</param>
    /// <param name="output">[N, OH, OW, K].</param>
    /// <param name="upsampleResidual">Whether the residual has another size, [N, Ht, Wt, K], and is first upsampled.</param>
    /// <exception cref="ArgumentException">The shapes do not fit one another.</exception>
    public static void Run(
        Device device, Tensor input, ConvolutionWeights weights, Tensor? residual, Activation activation, Tensor output,
        bool upsampleResidual = false)
    {
        var sizes = Validate(input, weights.Geometry, residual, upsampleResidual, activation, output);
        Compute(device, sizes, input, weights, residual, output);
    }

    /// <summary>
    /// Runs the convolution without checking the sizes, which is up to the caller. The output may be larger or smaller than the window's
    /// padding implies. The residual may be the output itself, to which the convolution is then added.
    /// </summary>
    public static void Compute(
        Device device, ConvolutionSizes sizes, Tensor input, ConvolutionWeights weights, Tensor? residual, Tensor output)
    {
        var residualView = (residual ?? output).View;
        device.MultiplyAdds += sizes.MultiplyAdds;
        switch (weights.Form)
        {
            case ConvolutionForm.Naive:
                NaiveConvolution.Run(device, sizes, input.View, weights.Values, weights.Bias, residualView, output.View);
                break;
            case ConvolutionForm.Depthwise:
                DepthwiseConvolution.Run(device, sizes, input.View, weights.Values, weights.Bias, residualView, output.View);
                break;
            case ConvolutionForm.SimdVector:
                SimdVectorConvolution.Run(device, sizes, input.View, weights.Values, weights.Bias, residualView, output.View);
                break;
            case ConvolutionForm.Tile:
                sizes = ConvolutionTile.Plan(device, sizes.FlattenPointwise());
                device.Launch(
                    TiledKernel, ConvolutionTile.Threads(sizes), input.View, weights.Values, weights.Bias, residualView, sizes,
                    output.View);
                break;
            case ConvolutionForm.GpuWinograd:
                GpuWinograd.Run(device, sizes, input.View, weights.Values, weights.Bias, residualView, output.View);
                break;
            case ConvolutionForm.SharedTile or ConvolutionForm.RegisterTile or ConvolutionForm.TensorTf32 or ConvolutionForm.TensorFp16:
                ImplicitGemm.Run(device, sizes, input, weights.Form, weights.Values, weights.Bias, residual, null, output);
                break;
            case ConvolutionForm.Unfolded:
                UnfoldedConvolution.Run(device, sizes, input.View, weights.Values, weights.Bias, residualView, output.View);
                break;
            case ConvolutionForm.StagedWinograd:
                StagedWinograd.Run(device, sizes, input.View, weights.Values, weights.Bias, residualView, output.View);
                break;
            case ConvolutionForm.SimdWinograd:
                SimdWinograd.Run(device, sizes, input.View, weights.Values, weights.Bias, residualView, output.View);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(weights), weights.Form, null);
        }
    }

    /// <summary>One thread = one segment of an output row × some blocks of output channels (see <see cref="Tiling"/>).</summary>
    internal static void TiledKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, ArrayView<float> output)
        => ConvolutionTile.Run(input, weights, bias, residual, sizes, TilePosition.Of(index, sizes), output);

    private static ConvolutionSizes Validate(
        Tensor input, ConvolutionGeometry geometry, Tensor? residual, bool upsampleResidual, Activation activation, Tensor output)
    {
        var window = geometry.Window;
        if (input.Shape.C != geometry.ChannelGroupInputC * window.ChannelGroups)
        {
            throw new ArgumentException(
                $"Weights for {geometry.ChannelGroupInputC} channels in each of {window.ChannelGroups} groups don't fit an input of {input.Shape}.");
        }
        var expected = window.OutputShape(input.Shape, geometry.KernelH, geometry.KernelW, geometry.OutputC);
        if (output.Shape != expected)
            throw new ArgumentException($"The output must be {expected}, not {output.Shape}.", nameof(output));
        if (residual is null)
            return ConvolutionSizes.From(input.Shape, output.Shape, geometry, Residual.None, activation);
        var residualShape = upsampleResidual ? expected with { H = residual.Shape.H, W = residual.Shape.W } : expected;
        if (residual.Shape != residualShape)
            throw new ArgumentException($"The residual must be {residualShape}, not {residual.Shape}.", nameof(residual));
        var kind = upsampleResidual ? Residual.Upsampled : Residual.SameSize;
        return ConvolutionSizes.From(input.Shape, output.Shape, geometry, kind, activation) with
        {
            Upsampling = NearestUpsampling.Between(residual.Shape, expected),
        };
    }
}
