using ILGPU;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>The lateral connection: a 1×1 convolution is a matrix product.</summary>
public static class Chapter05
{
    /// <summary>One thread = one output (m, k).</summary>
    public static void Naive(
        Index1D index, GlobalView<float> map, GlobalView<float> weights, GlobalView<float> bias, ProductSize size, GlobalView<float> output)
    {
        var k = index % size.K;
        var m = index / size.K;
        var sum = bias[k];
        for (var c = 0; c < size.C; c++)
            sum += map[m * size.C + c] * weights[c * size.K + k];
        output[index] = sum;
    }

    /// <summary>The same product in tiles. One group = a tile of 8 pixels × 8 output channels; one thread = one of them, (m, k).</summary>
    public static void Tiled(
        GlobalView<float> map, GlobalView<float> weights, GlobalView<float> bias, ProductSize size, GlobalView<float> output)
    {
        var pixels = new SharedView(SharedMemory.Allocate<float>(8 * 8));
        var columns = new SharedView(SharedMemory.Allocate<float>(8 * 8));
        var row = Group.IdxX / 8;
        var column = Group.IdxX % 8;
        var tilesOfK = (size.K + 7) / 8;
        var m = Grid.IdxX / tilesOfK * 8 + row;
        var k = Grid.IdxX % tilesOfK * 8 + column;

        var sum = 0f;
        for (var first = 0; first < size.C; first += 8)
        {
            pixels[row * 8 + column] = m < size.M && first + column < size.C ? map[m * size.C + first + column] : 0;
            columns[row * 8 + column] = first + row < size.C && k < size.K ? weights[(first + row) * size.K + k] : 0;
            Group.Barrier();
            for (var c = 0; c < 8; c++)
                sum += pixels[row * 8 + c] * columns[c * 8 + column];
            Group.Barrier();
        }
        if (m < size.M && k < size.K)
            output[m * size.K + k] = sum + bias[k];
    }
}
