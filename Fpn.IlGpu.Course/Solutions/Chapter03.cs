using ILGPU;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>Shared tiles, halo and barrier.</summary>
public static class Chapter03
{
    /// <summary>One group = a tile of 8 × 8 outputs; one thread = one of them, (y, x).</summary>
    public static void Kernel(GlobalView<float> input, GlobalView<float> weights, MapSize size, GlobalView<float> output)
    {
        var tile = new SharedView(SharedMemory.Allocate<float>(10 * 10));
        var thread = Group.IdxX;
        var tilesInRow = (size.W + 7) / 8;
        var firstY = Grid.IdxX / tilesInRow * 8;
        var firstX = Grid.IdxX % tilesInRow * 8;
        var y = firstY + thread / 8;
        var x = firstX + thread % 8;

        var sum = 0f;
        for (var c = 0; c < size.C; c++)
        {
            for (var i = thread; i < 100; i += 64)
            {
                var iy = firstY - 1 + i / 10;
                var ix = firstX - 1 + i % 10;
                var isInside = iy >= 0 && iy < size.H && ix >= 0 && ix < size.W;
                tile[i] = isInside ? input[(iy * size.W + ix) * size.C + c] : 0;
            }
            Group.Barrier();
            for (var place = 0; place < 9; place++)
                sum += tile[(thread / 8 + place / 3) * 10 + thread % 8 + place % 3] * weights[place * size.C + c];
            // The next channel must not overwrite what another thread still reads.
            Group.Barrier();
        }
        if (y < size.H && x < size.W)
            output[y * size.W + x] = sum;
    }
}
