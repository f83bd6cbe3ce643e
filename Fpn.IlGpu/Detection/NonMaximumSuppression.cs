using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Greedy non-maximum suppression, segment by segment (a level of a picture; a class of a picture): from the best box
/// down, a box is kept unless its IoU with one kept before is over the threshold. First all pairs at once, as bits:
/// which later boxes would each box suppress? Then one pass over the rows of bits, in order.
/// </summary>
internal static class NonMaximumSuppression
{
    /// <summary>Marks a score that was suppressed, or was no candidate to begin with.</summary>
    public const float Dropped = -1;

    /// <summary>Runs it.</summary>
    /// <param name="device">Where all arrays are.</param>
    /// <param name="boxes">[S, M], best first.</param>
    /// <param name="counts">[S]: how many boxes each segment has.</param>
    /// <param name="scores">[S, M]: a negative score is no candidate; suppressed ones become <see cref="Dropped"/>.</param>
    /// <param name="capacity">M.</param>
    /// <param name="threshold">The IoU over which a box is suppressed, 0…1.</param>
    /// <exception cref="DeviceException">There are more pairs of boxes than kernels can index.</exception>
    public static void Run(
        Device device, ArrayView<Box> boxes, ArrayView<int> counts, ArrayView<float> scores, int capacity, float threshold)
        => Launch(device, boxes, counts, scores, counts, byClass: false, capacity, threshold);

    /// <summary>Runs it on boxes of several classes, of which only those of one class suppress one another.</summary>
    /// <param name="device">Where all arrays are.</param>
    /// <param name="boxes">[S, M], best first.</param>
    /// <param name="counts">[S]: how many boxes each segment has.</param>
    /// <param name="scores">[S, M]: a negative score is no candidate; suppressed ones become <see cref="Dropped"/>.</param>
    /// <param name="classIds">[S, M].</param>
    /// <param name="capacity">M.</param>
    /// <param name="threshold">The IoU over which a box is suppressed, 0…1.</param>
    /// <exception cref="DeviceException">There are more pairs of boxes than kernels can index.</exception>
    public static void RunByClass(
        Device device, ArrayView<Box> boxes, ArrayView<int> counts, ArrayView<float> scores, ArrayView<int> classIds, int capacity,
        float threshold)
        => Launch(device, boxes, counts, scores, classIds, byClass: true, capacity, threshold);

    private static void Launch(
        Device device, ArrayView<Box> boxes, ArrayView<int> counts, ArrayView<float> scores, ArrayView<int> classIds, bool byClass,
        int capacity, float threshold)
    {
        var segments = (int)counts.Length;
        var words = Grain.Count(capacity, 32);
        if ((long)segments * capacity * words > int.MaxValue)
        {
            throw new DeviceException(
                $"{segments} lists of {capacity} boxes are more than non-maximum suppression can hold; "
                + "fewer proposals a level or a smaller batch would help.");
        }
        using var mask = device.Rent<uint>((long)segments * capacity * words);
        using var removed = device.Rent<uint>((long)segments * words);
        var sizes = new Sizes(capacity, words, segments * capacity, threshold, byClass ? 1 : 0);
        var grain = Grain.For(device, sizes.Total, 1);
        device.Launch(MaskKernel, grain.Threads(sizes.Total, 1), boxes, counts, scores, classIds, sizes, grain, mask.View);
        device.Launch(KeepKernel, segments, counts, mask.View, sizes, removed.View, scores);
    }

    /// <summary>One thread = some boxes: for each, the bits of all later boxes that it would suppress.</summary>
    internal static void MaskKernel(
        Index1D index, ArrayView<Box> boxes, ArrayView<int> counts, ArrayView<float> scores, ArrayView<int> classIds, Sizes sizes,
        Grain grain, ArrayView<uint> mask)
    {
        int first = index * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Total);
        for (var row = first; row < end; row++)
        {
            var segment = row / sizes.Capacity;
            var i = row % sizes.Capacity;
            var count = counts[segment];
            if (i >= count || scores[row] < 0)
                continue;
            var box = boxes[row];
            for (var word = i / 32; word * 32 < count; word++)
            {
                var bits = 0u;
                var last = IntrinsicMath.Min(word * 32 + 32, count);
                for (var j = IntrinsicMath.Max(word * 32, i + 1); j < last; j++)
                {
                    var other = segment * sizes.Capacity + j;
                    if (sizes.ByClass != 0 && classIds[other] != classIds[row])
                        continue;
                    if (IntersectionOverUnion(box, boxes[other]) > sizes.Threshold)
                        bits |= 1u << (j - word * 32);
                }
                mask[row * sizes.Words + word] = bits;
            }
        }
    }

    /// <summary>One thread = one segment, from its best box down.</summary>
    internal static void KeepKernel(
        Index1D segment, ArrayView<int> counts, ArrayView<uint> mask, Sizes sizes, ArrayView<uint> removed, ArrayView<float> scores)
    {
        var count = counts[segment];
        var words = (count + 31) / 32;
        var ownWords = segment * sizes.Words;
        for (var word = 0; word < words; word++)
            removed[ownWords + word] = 0;
        for (var i = 0; i < count; i++)
        {
            int row = segment * sizes.Capacity + i;
            if (scores[row] < 0)
                continue;
            if ((removed[ownWords + i / 32] >> (i % 32) & 1) != 0)
            {
                scores[row] = Dropped;
                continue;
            }
            for (var word = i / 32; word < words; word++)
                removed[ownWords + word] |= mask[row * sizes.Words + word];
        }
    }

    /// <summary>Shared area over joint area; 0 for boxes apart, and for two without area.</summary>
    internal static float IntersectionOverUnion(Box a, Box b)
    {
        var w = XMath.Max(0, XMath.Min(a.X2, b.X2) - XMath.Max(a.X1, b.X1));
        var h = XMath.Max(0, XMath.Min(a.Y2, b.Y2) - XMath.Max(a.Y1, b.Y1));
        var shared = w * h;
        var joint = a.Area + b.Area - shared;
        return joint > 0 ? shared / joint : 0;
    }

    internal readonly record struct Sizes(int Capacity, int Words, int Total, float Threshold, int ByClass);
}
