using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>The lateral connection: a 1×1 convolution is a matrix product. docs/course/05-lateral.md explains it.</summary>
public static class Chapter05
{
    /// <summary>One thread = one output (m, k).</summary>
    /// <param name="index">The thread, from 0 to M · K − 1.</param>
    /// <param name="map">[M, C]: M pixels, in whatever rows.</param>
    /// <param name="weights">[C, K].</param>
    /// <param name="bias">[K].</param>
    /// <param name="size">M, C and K.</param>
    /// <param name="output">[M, K].</param>
    public static void Naive(
        Index1D index, GlobalView<float> map, GlobalView<float> weights, GlobalView<float> bias, ProductSize size, GlobalView<float> output)
    {
        // Your lines.
    }

    /// <summary>The same product in tiles. One group = a tile of 8 pixels × 8 output channels; one thread = one of them, (m, k).</summary>
    /// <param name="map">[M, C]: M pixels, in whatever rows.</param>
    /// <param name="weights">[C, K].</param>
    /// <param name="bias">[K].</param>
    /// <param name="size">M, C and K; none of them need be a multiple of 8.</param>
    /// <param name="output">[M, K].</param>
    public static void Tiled(
        GlobalView<float> map, GlobalView<float> weights, GlobalView<float> bias, ProductSize size, GlobalView<float> output)
    {
        // 8 pixels × 8 channels of the map, and 8 channels × 8 output channels of the weights.
        var pixels = new SharedView(SharedMemory.Allocate<float>(8 * 8));
        var columns = new SharedView(SharedMemory.Allocate<float>(8 * 8));
        var row = Group.IdxX / 8;
        var column = Group.IdxX % 8;
        var tilesOfK = (size.K + 7) / 8;
        var m = Grid.IdxX / tilesOfK * 8 + row;
        var k = Grid.IdxX % tilesOfK * 8 + column;

        // Your lines, for each step of 8 channels: each thread loads one value of both tiles, 0 where there is none; wait; add up eight
        // products; wait. In the end, store sum and bias if (m, k) exists.
    }
}
