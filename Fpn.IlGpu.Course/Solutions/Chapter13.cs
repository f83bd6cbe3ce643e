using ILGPU;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>Training: gradients without atomics.</summary>
public static class Chapter13
{
    /// <summary>One thread = the gradient of one input (y, x, c) of a 3×3 convolution of stride 1.</summary>
    public static void Convolution(
        Index1D index, GlobalView<float> outputGradient, GlobalView<float> weights, ConvolutionSize size, GlobalView<float> inputGradient)
    {
        var c = index % size.C;
        var x = index / size.C % size.W;
        var y = index / size.C / size.W;
        var sum = 0f;
        for (var place = 0; place < 9; place++)
        {
            // The output whose window has this input at this place.
            var oy = y + 1 - place / 3;
            var ox = x + 1 - place % 3;
            if (oy < 0 || oy >= size.H || ox < 0 || ox >= size.W)
                continue;
            for (var k = 0; k < size.K; k++)
                sum += outputGradient[(oy * size.W + ox) * size.K + k] * weights[(place * size.C + c) * size.K + k];
        }
        inputGradient[index] = sum;
    }

    /// <summary>One thread = the gradient of one pixel (ty, tx, c) of the coarser map of a merge.</summary>
    public static void Upsampling(Index1D index, GlobalView<float> outputGradient, MergeSize size, GlobalView<float> topGradient)
    {
        var c = index % size.C;
        var tx = index / size.C % size.TopW;
        var ty = index / size.C / size.TopW;
        // ⌊y · TopH / H⌋ = ty where ty · H / TopH ≤ y < (ty + 1) · H / TopH: the first y is rounded up.
        var endY = ((ty + 1) * size.H + size.TopH - 1) / size.TopH;
        var endX = ((tx + 1) * size.W + size.TopW - 1) / size.TopW;
        var sum = 0f;
        for (var y = (ty * size.H + size.TopH - 1) / size.TopH; y < endY; y++)
        {
            for (var x = (tx * size.W + size.TopW - 1) / size.TopW; x < endX; x++)
                sum += outputGradient[(y * size.W + x) * size.C + c];
        }
        topGradient[index] = sum;
    }
}
