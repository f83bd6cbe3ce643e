using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>Shared tiles, halo and barrier. docs/course/03-shared-tiles.md explains it.</summary>
public static class Chapter03
{
    /// <summary>
    /// One group = a tile of 8 × 8 outputs; one thread = one of them, (y, x): the sum over a window of 3×3 places and all C channels.
    /// </summary>
    /// <param name="input">[H, W, C].</param>
    /// <param name="weights">[3, 3, C].</param>
    /// <param name="size">H, W and C.</param>
    /// <param name="output">[H, W].</param>
    public static void Kernel(GlobalView<float> input, GlobalView<float> weights, MapSize size, GlobalView<float> output)
    {
        // One channel of the tile and of the pixels around it, its halo: 10 × 10.
        var tile = new SharedView(SharedMemory.Allocate<float>(10 * 10));
        var thread = Group.IdxX;
        var tilesInRow = (size.W + 7) / 8;
        var firstY = Grid.IdxX / tilesInRow * 8;
        var firstX = Grid.IdxX % tilesInRow * 8;
        var y = firstY + thread / 8;
        var x = firstX + thread % 8;

        // Your lines, for each channel: the 64 threads load the 100 values together, 0 outside the input; wait; add up nine products;
        // wait again. In the end, store the sum if (y, x) is in the map.
    }
}
