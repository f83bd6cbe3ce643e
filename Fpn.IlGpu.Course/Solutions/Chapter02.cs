using ILGPU;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>The naive convolution.</summary>
public static class Chapter02
{
    /// <summary>One thread = one output (y, x, k).</summary>
    public static void Kernel(
        Index1D index, GlobalView<float> input, GlobalView<float> weights, GlobalView<float> bias, ConvolutionSize size,
        GlobalView<float> output)
    {
        int i = index;
        var k = i % size.K;
        var x = i / size.K % size.OutputW;
        var y = i / size.K / size.OutputW;
        var sum = bias[k];
        for (var ky = 0; ky < 3; ky++)
        {
            var iy = y * size.Stride - 1 + ky;
            if (iy < 0 || iy >= size.H)
                continue;
            for (var kx = 0; kx < 3; kx++)
            {
                var ix = x * size.Stride - 1 + kx;
                if (ix < 0 || ix >= size.W)
                    continue;
                for (var c = 0; c < size.C; c++)
                    sum += input[(iy * size.W + ix) * size.C + c] * weights[((ky * 3 + kx) * size.C + c) * size.K + k];
            }
        }
        output[i] = sum;
    }
}
