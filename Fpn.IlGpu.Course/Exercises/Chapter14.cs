using ILGPU;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>The ladder: register tiles. docs/course/14-ladder.md explains it.</summary>
public static class Chapter14
{
    /// <summary>
    /// Returns what a matrix product costs whose groups compute tiles of pixels × channels outputs from shared memory, a square of
    /// outputs each thread.
    /// </summary>
    /// <param name="pixels">Rows of the tile.</param>
    /// <param name="channels">Columns of the tile.</param>
    /// <param name="threads">Threads in the group; each computes s × s outputs, s² = pixels · channels / threads.</param>
    /// <param name="depth">The values of each row and column that are in shared memory at a time.</param>
    public static TileCounts Count(int pixels, int channels, int threads, int depth)
    {
        // Your lines instead of this one.
        return default;
    }

    /// <summary>
    /// One group = a tile of 32 pixels × 32 output channels; one thread = 4 × 4 of them. Steps of 8 channels.
    /// </summary>
    /// <param name="map">[M, C].</param>
    /// <param name="weights">[C, K].</param>
    /// <param name="size">M, C and K.</param>
    /// <param name="output">[M, K].</param>
    public static void Kernel(GlobalView<float> map, GlobalView<float> weights, ProductSize size, GlobalView<float> output)
    {
        var pixels = new SharedView(SharedMemory.Allocate<float>(32 * 8));
        var columns = new SharedView(SharedMemory.Allocate<float>(8 * 32));
        // The thread's own sums: on a GPU, a thread's variables are in registers.
        var sums = new LocalView(LocalMemory.Allocate<float>(4 * 4));
        var thread = Group.IdxX;
        var tilesOfK = (size.K + 31) / 32;
        var firstM = Grid.IdxX / tilesOfK * 32;
        var firstK = Grid.IdxX % tilesOfK * 32;

        // Your lines: set the sums to 0; for each step, load both tiles (four values of each a thread), wait, and for each of the 8
        // channels read four values of both tiles and add sixteen products; wait. In the end, store the sums that exist.
    }
}
