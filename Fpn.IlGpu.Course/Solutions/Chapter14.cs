using ILGPU;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>The ladder: register tiles.</summary>
public static class Chapter14
{
    /// <summary>Returns what a matrix product costs whose groups compute tiles from shared memory.</summary>
    public static TileCounts Count(int pixels, int channels, int threads, int depth)
    {
        var side = MathF.Sqrt((float)pixels * channels / threads);
        return new TileCounts(
            (float)(pixels + channels) / (pixels * channels),
            2 / side,
            depth * (pixels + channels) * sizeof(float));
    }

    /// <summary>One group = a tile of 32 pixels × 32 output channels; one thread = 4 × 4 of them.</summary>
    public static void Kernel(GlobalView<float> map, GlobalView<float> weights, ProductSize size, GlobalView<float> output)
    {
        var pixels = new SharedView(SharedMemory.Allocate<float>(32 * 8));
        var columns = new SharedView(SharedMemory.Allocate<float>(8 * 32));
        var sums = new LocalView(LocalMemory.Allocate<float>(4 * 4));
        var thread = Group.IdxX;
        var tilesOfK = (size.K + 31) / 32;
        var firstM = Grid.IdxX / tilesOfK * 32;
        var firstK = Grid.IdxX % tilesOfK * 32;

        for (var i = 0; i < 16; i++)
            sums[i] = 0;
        var row = thread / 8 * 4;
        var column = thread % 8 * 4;
        for (var first = 0; first < size.C; first += 8)
        {
            for (var i = thread; i < 256; i += 64)
            {
                var m = firstM + i / 8;
                var k = firstK + i % 32;
                pixels[i] = m < size.M && first + i % 8 < size.C ? map[m * size.C + first + i % 8] : 0;
                columns[i] = first + i / 32 < size.C && k < size.K ? weights[(first + i / 32) * size.K + k] : 0;
            }
            Group.Barrier();
            for (var c = 0; c < 8; c++)
            {
                var a0 = pixels[row * 8 + c];
                var a1 = pixels[(row + 1) * 8 + c];
                var a2 = pixels[(row + 2) * 8 + c];
                var a3 = pixels[(row + 3) * 8 + c];
                for (var j = 0; j < 4; j++)
                {
                    var b = columns[c * 32 + column + j];
                    sums[j] += a0 * b;
                    sums[4 + j] += a1 * b;
                    sums[8 + j] += a2 * b;
                    sums[12 + j] += a3 * b;
                }
            }
            Group.Barrier();
        }
        for (var i = 0; i < 16; i++)
        {
            var m = firstM + row + i / 4;
            var k = firstK + column + i % 4;
            if (m < size.M && k < size.K)
                output[m * size.K + k] = sums[i];
        }
    }
}
