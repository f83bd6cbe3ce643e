using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Sorts the codes of <see cref="TopK"/> on a GPU, list by list. First a bitonic network in shared memory sorts tiles of 1024 (Batcher,
/// Sorting networks and their applications, 1968). Then sorted runs are merged in pairs: an element's new place is its own plus the
/// number of smaller elements in the other run, which is found by bisection.
/// </summary>
internal static class CodeSort
{
    private const int Tile = 1024;
    private const int Threads = 128;

    /// <summary>Sorts all lists.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="codes">[S, k], with no two equal codes in a list; overwritten.</param>
    /// <param name="counts">[S]: how many codes each list has.</param>
    /// <param name="k">The most codes that a list can have.</param>
    /// <param name="indices">[S, k]: receives the lower halves of the sorted codes.</param>
    public static void Run(Device device, DeviceArray<ulong> codes, ArrayView<int> counts, int k, ArrayView<int> indices)
    {
        var lists = (int)counts.Length;
        var tiles = Division.CeilDiv(k, Tile);
        device.LaunchGroups(TileKernel, new KernelConfig(lists * tiles, Threads), codes.View, counts, k, tiles);
        if (tiles == 1)
        {
            device.Launch(IndexKernel, lists * k, codes.View, counts, k, indices);
            return;
        }
        using var other = device.Rent<ulong>(codes.Length);
        var (from, to) = (codes.View, other.View);
        for (var run = Tile; run < k; run *= 2)
        {
            device.Launch(MergeKernel, lists * k, from, counts, k, run, to);
            (from, to) = (to, from);
        }
        device.Launch(IndexKernel, lists * k, from, counts, k, indices);
    }

    /// <summary>One group = one tile of a list, sorted; one thread = every 128th pair of it.</summary>
    [GroupedKernel]
    internal static void TileKernel(ArrayView<ulong> codes, ArrayView<int> counts, int k, int tiles)
    {
        var shared = SharedMemory.Allocate1D<ulong>(Tile);
        var thread = Group.IdxX;
        var first = Grid.IdxX % tiles * Tile;
        var from = Grid.IdxX / tiles * k + first;
        var count = IntrinsicMath.Min(counts[Grid.IdxX / tiles] - first, Tile);
        // For a tile beyond the list's end, count is 0 or less. Its group still sorts padding, because some drivers fail if a group
        // returns before a barrier, even if all of it does.
        var size = 2;
        while (size < count)
            size *= 2;
        for (var i = thread; i < size; i += Threads)
            shared[i] = i < count ? codes[from + i] : ulong.MaxValue;
        Group.Barrier();
        for (var length = 2; length <= size; length *= 2)
        {
            for (var reach = length / 2; reach > 0; reach /= 2)
            {
                for (var pair = thread; pair < size / 2; pair += Threads)
                {
                    var low = pair / reach * 2 * reach + pair % reach;
                    var a = shared[low];
                    var b = shared[low + reach];
                    var rising = (low & length) == 0;
                    if (a > b == rising)
                    {
                        shared[low] = b;
                        shared[low + reach] = a;
                    }
                }
                Group.Barrier();
            }
        }
        for (var i = thread; i < count; i += Threads)
            codes[from + i] = shared[i];
    }

    /// <summary>One thread = one code: finds its place in two runs merged.</summary>
    internal static void MergeKernel(
        Index1D index, ArrayView<ulong> codes, ArrayView<int> counts, int k, int run, ArrayView<ulong> merged)
    {
        var list = index / k;
        var i = index % k;
        var count = counts[list];
        if (i >= count)
            return;
        var code = codes[index];
        var pair = i / (2 * run) * 2 * run;
        var isFirst = i < pair + run;
        // The other run of the pair. A last run without a partner is copied unchanged.
        var low = list * k + IntrinsicMath.Min(isFirst ? pair + run : pair, count);
        var high = list * k + IntrinsicMath.Min(isFirst ? pair + 2 * run : pair + run, count);
        var start = low;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (codes[middle] < code)
                low = middle + 1;
            else
                high = middle;
        }
        merged[list * k + pair + i % run + (low - start)] = code;
    }

    /// <summary>One thread = the index of one code.</summary>
    internal static void IndexKernel(Index1D index, ArrayView<ulong> codes, ArrayView<int> counts, int k, ArrayView<int> indices)
    {
        if (index % k < counts[index / k])
            indices[index] = (int)(uint)codes[index];
    }
}
