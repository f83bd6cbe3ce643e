using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// out[n, oy, ox, k] = Σ over ky, kx, c of in[n, oy·sy − py + ky·dy, ox·sx − px + kx·dx, g·C/groups + c] ·
/// w[ky, kx, c, k] + bias[k] + residual[n, oy, ox, k], then the activation; g is the channel group that k belongs to. This is
/// cross-correlation, as in PyTorch's conv2d.
/// </summary>
internal static class Conv2dReference
{
    /// <summary>The shape of the output, [N, OH, OW, K].</summary>
    public static Shape4 OutputShape(
        Shape4 shape, (int Y, int X) kernel, int outputs,
        (int Y, int X) stride, (int Y, int X) padding, (int Y, int X) dilation) => new(
        shape.N,
        (shape.H + 2 * padding.Y - dilation.Y * (kernel.Y - 1) - 1) / stride.Y + 1,
        (shape.W + 2 * padding.X - dilation.X * (kernel.X - 1) - 1) / stride.X + 1,
        outputs);

    /// <summary>Computes the convolution.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
    /// <param name="weights">The weights, [kh, kw, C / groups, K].</param>
    /// <param name="bias">The bias, [K], or null.</param>
    /// <param name="residual">The residual, [N, OH, OW, K], or null.</param>
    /// <param name="shape">The shape of the input.</param>
    /// <param name="kernel">The kernel size, kh, kw.</param>
    /// <param name="outputs">The number of output channels, K.</param>
    /// <param name="stride">The stride, in input px.</param>
    /// <param name="padding">The zero padding on either side, in input px.</param>
    /// <param name="dilation">The spacing of the kernel's elements, in input px; 1 is dense.</param>
    /// <param name="groups">The number of channel groups; it divides C and K.</param>
    /// <param name="activation">The activation of the sum.</param>
    /// <returns>The output, [N, OH, OW, K].</returns>
    public static float[] Run(
        float[] input, float[] weights, float[]? bias, float[]? residual,
        Shape4 shape, (int Y, int X) kernel, int outputs,
        (int Y, int X) stride, (int Y, int X) padding, (int Y, int X) dilation, int groups = 1,
        Activation activation = Activation.None)
    {
        var output = OutputShape(shape, kernel, outputs, stride, padding, dilation);
        int inputsOfGroup = shape.C / groups, outputsOfGroup = outputs / groups;
        var result = new float[output.Count];
        foreach ((var n, var oy, var ox, var k) in output.Elements())
        {
            var firstInput = k / outputsOfGroup * inputsOfGroup;
            double sum = 0;
            for (var ky = 0; ky < kernel.Y; ky++)
            {
                for (var kx = 0; kx < kernel.X; kx++)
                {
                    var y = oy * stride.Y - padding.Y + ky * dilation.Y;
                    var x = ox * stride.X - padding.X + kx * dilation.X;
                    if (y < 0 || y >= shape.H || x < 0 || x >= shape.W)
                        continue;
                    for (var c = 0; c < inputsOfGroup; c++)
                    {
                        sum += (double)input[shape.At(n, y, x, firstInput + c)]
                            * weights[((ky * kernel.X + kx) * inputsOfGroup + c) * outputs + k];
                    }
                }
            }

            var at = output.At(n, oy, ox, k);
            if (bias is not null)
                sum += bias[k];
            if (residual is not null)
                sum += residual[at];
            result[at] = (float)ActivationReference.Of(sum, activation);
        }
        return result;
    }
}
