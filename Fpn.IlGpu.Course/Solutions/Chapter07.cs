using System.Runtime.CompilerServices;
using ILGPU;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>The 3×3 after the merge, and P6.</summary>
public static class Chapter07
{
    /// <summary>One thread = one pixel (y, x) × 4 output channels.</summary>
    /// <remarks>Optimised from the first call on: chapter 12 runs it for 700 million products.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Smooth(
        Index1D index, GlobalView<float> input, GlobalView<float> weights, GlobalView<float> bias, ConvolutionSize size,
        GlobalView<float> output)
    {
        var parts = size.K / 4;
        var k = index % parts * 4;
        var x = index / parts % size.W;
        var y = index / parts / size.W;
        var (sum0, sum1, sum2, sum3) = (bias[k], bias[k + 1], bias[k + 2], bias[k + 3]);
        for (var place = 0; place < 9; place++)
        {
            var iy = y - 1 + place / 3;
            var ix = x - 1 + place % 3;
            if (iy < 0 || iy >= size.H || ix < 0 || ix >= size.W)
                continue;
            for (var c = 0; c < size.C; c++)
            {
                var value = input[(iy * size.W + ix) * size.C + c];
                var weight = (place * size.C + c) * size.K + k;
                sum0 += value * weights[weight];
                sum1 += value * weights[weight + 1];
                sum2 += value * weights[weight + 2];
                sum3 += value * weights[weight + 3];
            }
        }
        var to = (y * size.W + x) * size.K + k;
        output[to] = sum0;
        output[to + 1] = sum1;
        output[to + 2] = sum2;
        output[to + 3] = sum3;
    }

    /// <summary>One thread = one output (y, x, c).</summary>
    public static void Subsample(Index1D index, GlobalView<float> input, MapSize size, GlobalView<float> output)
    {
        var outputW = (size.W + 1) / 2;
        var c = index % size.C;
        var x = index / size.C % outputW;
        var y = index / size.C / outputW;
        output[index] = input[(y * 2 * size.W + x * 2) * size.C + c];
    }
}
