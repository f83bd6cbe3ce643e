using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The convolution by its definition, and the first kernel to read: one thread computes one output, and nothing is shared or reused.
/// <code>
/// out[n, y, x, k] = f( bias[k] + residual[n, y, x, k]
///                         + Σ ky, kx, c  in[n, y·s − p + ky·d, x·s − p + kx·d, c] · weights[ky, kx, c, k] )
/// </code>
/// s is the stride, p the padding and d the dilation, all in px of the input map. Values outside the input are 0, f is the activation,
/// and c runs over the channels of k's channel group. As in PyTorch, the window is not flipped. Every faster form computes the same
/// sums; <see cref="ConvolutionForm"/> lists them in the order in which to read them.
/// </summary>
internal static class NaiveConvolution
{
    /// <summary>Launches one thread for each output; called by <see cref="Convolution"/>, which has checked the sizes.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="sizes">All sizes.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="weights">[groups, kh, kw, C / groups, K / groups].</param>
    /// <param name="bias">[K].</param>
    /// <param name="residual">[N, OH, OW, K], or the coarser map; not read if there is none.</param>
    /// <param name="output">[N, OH, OW, K].</param>
    public static void Run(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias,
        ArrayView<float> residual, ArrayView<float> output)
    {
        var outputs = sizes.OutputN * sizes.OutputH * sizes.OutputW * sizes.OutputC;
        device.Launch(Kernel, outputs, input, weights, bias, residual, sizes, output);
    }

    /// <summary>One thread = one output (n, y, x, k).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        ConvolutionSizes sizes, ArrayView<float> output)
    {
        int i = index;
        var k = i % sizes.OutputC;
        var x = i / sizes.OutputC % sizes.OutputW;
        var y = i / sizes.OutputC / sizes.OutputW % sizes.OutputH;
        var n = i / sizes.OutputC / sizes.OutputW / sizes.OutputH;
        var group = k / sizes.ChannelGroupOutputC;
        var firstC = group * sizes.ChannelGroupInputC;
        var groupWeights = sizes.KernelH * sizes.KernelW * sizes.ChannelGroupInputC * sizes.ChannelGroupOutputC;
        var firstWeight = group * groupWeights + k % sizes.ChannelGroupOutputC;

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
                var weight = firstWeight + (ky * sizes.KernelW + kx) * sizes.ChannelGroupInputC * sizes.ChannelGroupOutputC;
                for (var c = 0; c < sizes.ChannelGroupInputC; c++)
                    sum += input[pixel + c] * weights[weight + c * sizes.ChannelGroupOutputC];
            }
        }
        if (sizes.Residual != Residual.None)
            sum += residual[sizes.ResidualAt(n, y, x) + k];
        output[i] = Activate.Value(sum, sizes.Activation);
    }
}
