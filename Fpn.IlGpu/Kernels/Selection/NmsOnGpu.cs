using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <see cref="NonMaximumSuppression"/> on a GPU. First, all pairs are compared in parallel, and bits say which later boxes each box would
/// suppress. Then one group for each segment goes through its boxes, a word of 32 at a time: one thread finds which of the 32 are kept,
/// and all threads combine what those suppress.
/// </summary>
internal static class NmsOnGpu
{
    private const int Threads = 128;
    private const int WordBits = 32;

    // 16 KiB of shared memory: 131 072 boxes per segment.
    private const int MostWords = 4096;

    /// <summary>Launches both kernels.</summary>
    /// <exception cref="DeviceException">There are more pairs of boxes than kernels can index.</exception>
    public static void Run(Device device, BoxLists lists, ArrayView<float> scores, NmsSettings settings)
    {
        var segments = (int)lists.Counts.Length;
        var words = Division.CeilDiv(settings.Capacity, WordBits);
        var rows = (long)segments * settings.Capacity;
        if (words > MostWords || rows * words > int.MaxValue)
        {
            throw new DeviceException(
                $"{segments} lists of {settings.Capacity} boxes are more than non-maximum suppression can hold; "
                + "fewer proposals per level or a smaller batch would help.");
        }
        using var mask = device.Rent<uint>(rows * words);
        var sizes = new Sizes((int)rows, words);
        device.Launch(MaskKernel, (int)rows * words, lists, scores, settings, sizes, mask.View);
        device.LaunchGroups(KeepKernel, new KernelConfig(segments, Threads), lists.Counts, mask.View, settings, words, scores);
    }

    /// <summary>
    /// One thread = one box and 32 others: the bits of those, among the boxes after it, that it would suppress. Neighbouring threads have
    /// the same 32 others.
    /// </summary>
    internal static void MaskKernel(
        Index1D index, BoxLists lists, ArrayView<float> scores, NmsSettings settings, Sizes sizes, ArrayView<uint> mask)
    {
        var row = index % sizes.Rows;
        var word = index / sizes.Rows;
        var first = row / settings.Capacity * settings.Capacity;
        var i = row - first;
        var count = lists.Counts[row / settings.Capacity];
        if (i >= count || word * WordBits >= count || word < i / WordBits || scores[row] < 0)
            return;
        var box = lists.Boxes[row];
        var bits = 0u;
        var last = IntrinsicMath.Min(word * WordBits + WordBits, count);
        for (var j = IntrinsicMath.Max(word * WordBits, i + 1); j < last; j++)
        {
            if (settings.ByClass != 0 && lists.ClassIds[first + j] != lists.ClassIds[row])
                continue;
            if (NonMaximumSuppression.IntersectionOverUnion(box, lists.Boxes[first + j]) > settings.Threshold)
                bits |= 1u << (j - word * WordBits);
        }
        mask[row * sizes.Words + word] = bits;
    }

    /// <summary>One group = one segment, from its best box down; one thread = every 128th word of its bits.</summary>
    [GroupedKernel]
    internal static void KeepKernel(
        ArrayView<int> counts, ArrayView<uint> mask, NmsSettings settings, int words, ArrayView<float> scores)
    {
        var removed = SharedMemory.Allocate1D<uint>(MostWords);
        var diagonal = SharedMemory.Allocate1D<uint>(WordBits);
        var thread = Group.IdxX;
        var first = Grid.IdxX * settings.Capacity;
        var count = counts[Grid.IdxX];
        var used = (count + WordBits - 1) / WordBits;

        // Boxes that are no candidates count as removed from the start.
        for (var word = thread; word < used; word += Threads)
        {
            var bits = 0u;
            var last = IntrinsicMath.Min(word * WordBits + WordBits, count);
            for (var i = word * WordBits; i < last; i++)
                bits |= scores[first + i] < 0 ? 1u << (i - word * WordBits) : 0;
            removed[word] = bits;
        }
        for (var block = 0; block < used; block++)
        {
            if (thread < WordBits && block * WordBits + thread < count)
                diagonal[thread] = mask[(first + block * WordBits + thread) * words + block];
            // Also waits for what the previous block has removed.
            Group.Barrier();
            var inBlock = IntrinsicMath.Min(WordBits, count - block * WordBits);
            if (thread == 0)
            {
                var gone = removed[block];
                for (var i = 0; i < inBlock; i++)
                    gone |= (gone >> i & 1) == 0 ? diagonal[i] : 0;
                removed[block] = gone;
            }
            Group.Barrier();
            var goneInBlock = removed[block];
            for (var word = block + 1 + thread; word < used; word += Threads)
            {
                var bits = removed[word];
                for (var i = 0; i < inBlock; i++)
                {
                    if ((goneInBlock >> i & 1) == 0)
                        bits |= mask[(first + block * WordBits + i) * words + word];
                }
                removed[word] = bits;
            }
        }
        Group.Barrier();
        for (var i = thread; i < count; i += Threads)
        {
            if ((removed[i / WordBits] >> (i % WordBits) & 1) != 0)
                scores[first + i] = NonMaximumSuppression.Dropped;
        }
    }

    /// <summary>The boxes of all segments, and the words of bits of each box.</summary>
    internal readonly record struct Sizes(int Rows, int Words);
}
