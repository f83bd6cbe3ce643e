using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// All gradients of a convolution by definition, in double: each product of the forward pass, in[…] · weights[k, c, ky, kx] in
/// out[n, oy, ox, k], adds dout · weights to the gradient of in, and dout · in to the gradient of weights.
/// </summary>
internal sealed class Conv2dGradientReference
{
    /// <summary>The gradient of the input, din, [N, H, W, C].</summary>
    public required float[] Input { get; init; }

    /// <summary>The gradient of the weights, dw, [K, C / groups, kh, kw].</summary>
    public required float[] Weights { get; init; }

    /// <summary>The gradient of the bias, db, [K].</summary>
    public required float[] Bias { get; init; }

    /// <summary>Computes all gradients.</summary>
    /// <param name="g">The geometry of the convolution.</param>
    /// <param name="input">The input, [N, H, W, C].</param>
    /// <param name="weights">The weights, [K, C / groups, kh, kw].</param>
    /// <param name="outputGradient">The gradient of the output, dout, [N, OH, OW, K].</param>
    /// <param name="shape">The shape of the input.</param>
    public static Conv2dGradientReference Run(
        ConvolutionGeometry g, float[] input, float[] weights, float[] outputGradient, Shape shape)
    {
        var (stride, padding, dilation) = (g.Window.Stride, g.Window.Padding, g.Window.Dilation);
        var output = g.Window.OutputShape(shape, g.KernelH, g.KernelW, g.OutputC);
        var (dIn, dW, dB) = (new double[input.Length], new double[weights.Length], new double[g.OutputC]);
        foreach (var (n, oy, ox, k) in new Shape4(output.N, output.H, output.W, output.C).Elements())
        {
            double d = outputGradient[((n * output.H + oy) * output.W + ox) * output.C + k];
            dB[k] += d;
            var firstC = k / (g.OutputC / g.Window.ChannelGroups) * g.ChannelGroupInputC;
            for (var place = 0; place < g.KernelH * g.KernelW; place++)
            {
                var y = oy * stride.Y - padding.Y + place / g.KernelW * dilation.Y;
                var x = ox * stride.X - padding.X + place % g.KernelW * dilation.X;
                if (y < 0 || y >= shape.H || x < 0 || x >= shape.W)
                    continue;
                for (var c = 0; c < g.ChannelGroupInputC; c++)
                {
                    var from = ((n * shape.H + y) * shape.W + x) * shape.C + firstC + c;
                    var weight = (k * g.ChannelGroupInputC + c) * g.KernelH * g.KernelW + place;
                    dIn[from] += d * weights[weight];
                    dW[weight] += d * input[from];
                }
            }
        }
        return new Conv2dGradientReference { Input = Floats(dIn), Weights = Floats(dW), Bias = Floats(dB) };
    }

    /// <summary>Transposes weights for the forward reference: [K, C / groups, kh, kw] to [kh, kw, C / groups, K].</summary>
    public static float[] ToForward(ConvolutionGeometry g, float[] weights)
    {
        var places = g.KernelH * g.KernelW;
        var result = new float[weights.Length];
        for (var i = 0; i < weights.Length; i++)
        {
            var (k, c, p) = (i / places / g.ChannelGroupInputC, i / places % g.ChannelGroupInputC, i % places);
            result[(p * g.ChannelGroupInputC + c) * g.OutputC + k] = weights[i];
        }
        return result;
    }

    private static float[] Floats(double[] values) => Array.ConvertAll(values, value => (float)value);
}
