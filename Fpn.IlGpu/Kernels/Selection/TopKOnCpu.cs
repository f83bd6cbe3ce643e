using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <see cref="TopK"/> on a CPU. Each part of a segment has room for 2k codes. When they fill up, the k best stay, and from then on only
/// values better than the worst of them are considered. Hardly any are, once k good ones are found, and one SIMD comparison rejects many
/// values at a time. Finally, the parts' best are put together, cut to k, and sorted.
/// </summary>
internal static class TopKOnCpu
{
    private const int PartsPerThread = 4;

    // A part's first k values are all kept, so a part should be much longer than that.
    private const int LeastPartLengthByK = 8;

    public static void Run(
        Device device, ArrayView<float> values, ArrayView<Segment> segments, int maxLength, int k, float above,
        ArrayView<int> indices, ArrayView<int> counts)
    {
        var count = (int)segments.Length;
        var parts = (int)Math.Clamp(maxLength / ((long)LeastPartLengthByK * k), 1, device.Threads * PartsPerThread);
        var partLength = Division.CeilDiv(maxLength, parts);
        var room = Math.Min(2L * k, partLength);
        if (count * parts * room > int.MaxValue)
            throw new DeviceException($"The best {k} of {count} lists are more than kernels can index; a smaller batch would help.");
        var search = new Search(above, parts, partLength, k, (int)room);
        using var best = device.Rent<ulong>(count * parts * room);
        using var found = device.Rent<int>((long)count * parts);
        device.Launch(PartKernel, count * parts, values, segments, search, best.View, found.View);
        device.Launch(MergeKernel, count, search, best.View, found.View, indices, counts);
    }

    /// <summary>One thread = the best of one part of a segment.</summary>
    [CpuKernel]
    internal static void PartKernel(
        Index1D index, ArrayView<float> values, ArrayView<Segment> segments, Search search, ArrayView<ulong> best, ArrayView<int> found)
        => found[index] = BestOfPart(values, segments[index / search.Parts], index % search.Parts, search, best, index * search.Room);

    /// <summary>One thread = one segment: the best of its parts, in order.</summary>
    [CpuKernel]
    internal static void MergeKernel(
        Index1D segment, Search search, ArrayView<ulong> best, ArrayView<int> found, ArrayView<int> indices, ArrayView<int> counts)
        => counts[segment] = Merge(segment, search, best, found, indices);

    /// <summary>Collects the candidates of a part, and returns how many there are.</summary>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int BestOfPart(
        ArrayView<float> values, Segment segment, int part, Search search, ArrayView<ulong> best, int to)
    {
        var first = part * search.PartLength;
        var length = Math.Min(search.PartLength, segment.Length - first);
        if (length <= 0)
            return 0;
        ref var start = ref values[segment.First + first * segment.Step];
        var codes = MemoryMarshal.CreateSpan(ref best[to], search.Room);
        var count = 0;
        var bound = search.Above;
        // Of values that compare equal, only 0 and −0 have different keys; the bound for both is just below 0.
        var least = 0u;
        for (var i = 0; i < length; i++)
        {
            if (segment.Step == 1)
            {
                while (i + Vector<float>.Count <= length
                    && !Vector.GreaterThanAny(
                        Unsafe.ReadUnaligned<Vector<float>>(ref Unsafe.As<float, byte>(ref Unsafe.Add(ref start, i))),
                        new Vector<float>(bound)))
                {
                    i += Vector<float>.Count;
                }

                if (i >= length)
                    break;
            }
            // Values of the vector one by one; with another step there is only one value.
            var end = segment.Step == 1 ? Math.Min(i + Vector<float>.Count, length) : i + 1;
            for (; i < end; i++)
            {
                var key = TopK.Key(Unsafe.Add(ref start, (nint)i * segment.Step), search.Above);
                if (key <= least)
                    continue;
                if (count == codes.Length)
                {
                    count = search.K;
                    BestFirst(codes, count);
                    (bound, least) = Worst(codes[..count]);
                    if (key <= least)
                        continue;
                }
                codes[count++] = TopK.Code(key, first + i);
            }
            i--;
        }
        return count;
    }

    /// <summary>Puts the parts' candidates together, sorts the best, and returns how many there are.</summary>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Merge(int segment, Search search, ArrayView<ulong> best, ArrayView<int> found, ArrayView<int> indices)
    {
        var all = MemoryMarshal.CreateSpan(ref best[segment * search.Parts * search.Room], search.Parts * search.Room);
        var count = 0;
        for (var part = 0; part < search.Parts; part++)
        {
            var own = found[segment * search.Parts + part];
            all.Slice(part * search.Room, own).CopyTo(all[count..]);
            count += own;
        }
        all = all[..count];
        if (count > search.K)
        {
            BestFirst(all, search.K);
            all = all[..search.K];
        }
        all.Sort();
        for (var i = 0; i < all.Length; i++)
            indices[segment * search.K + i] = (int)(uint)all[i];
        return all.Length;
    }

    /// <summary>Quickselect: moves the count smallest codes to the front, in no particular order.</summary>
    private static void BestFirst(Span<ulong> codes, int count)
    {
        var (low, high) = (0, codes.Length - 1);
        while (low < high)
        {
            var pivot = MedianOfThree(codes[low], codes[(low + high) >>> 1], codes[high]);
            var (i, j) = (low, high);
            while (i <= j)
            {
                while (codes[i] < pivot)
                    i++;
                while (codes[j] > pivot)
                    j--;
                if (i > j)
                    break;
                (codes[i], codes[j]) = (codes[j], codes[i]);
                i++;
                j--;
            }
            if (count <= j)
                high = j;
            else if (count > i)
                low = i;
            else
                return;
        }
    }

    private static ulong MedianOfThree(ulong a, ulong b, ulong c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));

    /// <summary>Returns the bound that a value must exceed to beat the worst of some codes, and the worst's key.</summary>
    private static (float Bound, uint Key) Worst(ReadOnlySpan<ulong> codes)
    {
        var worst = 0ul;
        foreach (var code in codes)
            worst = Math.Max(worst, code);
        var key = ~(uint)(worst >> 32);
        var value = BitConverter.UInt32BitsToSingle((key & 0x80000000u) != 0 ? key ^ 0x80000000u : ~key);
        return (value == 0 ? -float.Epsilon : value, key);
    }

    /// <summary>The parameters of a search. Segments are split into equal parts, each the work of one thread.</summary>
    internal readonly record struct Search(float Above, int Parts, int PartLength, int K, int Room);
}
