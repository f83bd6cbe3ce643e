using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <see cref="TopK"/> on a GPU. The k-th key is selected by radix, from the highest of its four digits down. Each pass counts a digit's
/// values among the elements whose higher digits equal those of the threshold so far, and takes the digit at which the count from above
/// reaches k. Every part of a segment then knows, from the counts of the parts before it, where to write the elements that it takes, and
/// how many elements equal to the threshold are still wanted. This keeps the order and needs no atomics, which on OpenCL would need the
/// generic address space. <see cref="CodeSort"/> then sorts what was taken.
/// </summary>
internal static class TopKOnGpu
{
    // A thread's counts of all 256 digits are 64 words of four bytes, and each of a group's 64 threads sums one word: 16 KiB.
    private const int Threads = 64;
    private const int DigitBits = 8;
    private const int Bins = 1 << DigitBits;
    private const int Passes = 32 / DigitBits;
    private const int MostInByte = 255;

    private const int MostParts = 128;
    private const int LeastPartLength = 4096;

    // Consecutive elements per thread: one cache line.
    private const int RunLength = 16;

    public static void Run(
        Device device, ArrayView<float> values, ArrayView<Segment> segments, int maxLength, int k, float above,
        ArrayView<int> indices, ArrayView<int> counts)
    {
        var count = (int)segments.Length;
        var parts = Math.Clamp(Division.CeilDiv(maxLength, LeastPartLength), 1, MostParts);
        var search = new Search(above, parts, Division.CeilDiv(maxLength, parts), k);
        var groups = new KernelConfig(count * parts, Threads);

        using var states = device.Rent<State>(count);
        using var tallies = device.Rent<Tally>((long)count * parts);
        using var codes = device.Rent<ulong>((long)count * k);
        if (k < maxLength)
        {
            using var histograms = device.Rent<int>((long)count * parts * Bins);
            for (var pass = 0; pass < Passes; pass++)
            {
                device.LaunchGroups(CountKernel, groups, values, segments, states.View, search, pass, histograms.View);
                device.LaunchGroups(PickKernel, new KernelConfig(count, Threads), histograms.View, search, pass, states.View);
            }
        }
        else
        {
            device.Launch(TakeAllKernel, count, states.View, k);
        }
        device.LaunchGroups(TallyKernel, groups, values, segments, states.View, search, tallies.View);
        device.LaunchGroups(TakeKernel, groups, values, segments, states.View, search, tallies.View, codes.View, counts);
        CodeSort.Run(device, codes, counts, k, indices);
    }

    /// <summary>
    /// One group = one part of a segment: how often each digit occurs in it, [S, parts, bins]. One thread = every 64th element, then the
    /// sums of four digits.
    /// </summary>
    [GroupedKernel]
    internal static void CountKernel(
        ArrayView<float> values, ArrayView<Segment> segments, ArrayView<State> states, Search search, int pass, ArrayView<int> histograms)
    {
        // [64 words of four digits, threads]: each thread counts in its own column.
        var counters = SharedMemory.Allocate1D<uint>(Bins / 4 * Threads);
        var thread = Group.IdxX;
        var s = Grid.IdxX / search.Parts;
        var segment = segments[s];
        var prefix = pass == 0 ? 0 : states[s].Threshold;
        var shift = 32 - DigitBits * (pass + 1);
        var end = search.End(Grid.IdxX, segment);
        var sum0 = 0u;
        var sum1 = 0u;
        var sum2 = 0u;
        var sum3 = 0u;
        // The counts are bytes, which are summed before they can overflow.
        for (var first = search.First(Grid.IdxX); first < end; first += Threads * MostInByte)
        {
            for (var word = 0; word < Bins / 4; word++)
                counters[word * Threads + thread] = 0;
            var last = IntrinsicMath.Min(first + Threads * MostInByte, end);
            for (var i = first + thread; i < last; i += Threads)
            {
                var key = TopK.Key(values[segment.First + i * segment.Step], search.Above);
                // Shifting by all 32 bits would shift by none.
                if (pass == 0 || key >> (shift + DigitBits) == prefix >> (shift + DigitBits))
                {
                    var digit = (int)(key >> shift & (Bins - 1));
                    counters[digit / 4 * Threads + thread] += 1u << (digit % 4 * 8);
                }
            }
            Group.Barrier();
            for (var i = 0; i < Threads; i++)
            {
                // Each thread begins at a different column, so that they read from different banks.
                var word = counters[thread * Threads + ((i + thread) & (Threads - 1))];
                sum0 += word & 0xFF;
                sum1 += word >> 8 & 0xFF;
                sum2 += word >> 16 & 0xFF;
                sum3 += word >> 24;
            }
            Group.Barrier();
        }
        var to = Grid.IdxX * Bins + thread * 4;
        histograms[to] = (int)sum0;
        histograms[to + 1] = (int)sum1;
        histograms[to + 2] = (int)sum2;
        histograms[to + 3] = (int)sum3;
    }

    /// <summary>
    /// One group = one segment: picks the digit at which the count from above reaches what is still wanted. One thread = four digits.
    /// </summary>
    [GroupedKernel]
    internal static void PickKernel(ArrayView<int> histograms, Search search, int pass, ArrayView<State> states)
    {
        var sums = SharedMemory.Allocate1D<int>(Threads);
        var thread = Group.IdxX;
        var s = Grid.IdxX;
        var threshold = pass == 0 ? 0 : states[s].Threshold;
        var wanted = pass == 0 ? search.K : states[s].Wanted;
        var count0 = 0;
        var count1 = 0;
        var count2 = 0;
        var count3 = 0;
        for (var part = 0; part < search.Parts; part++)
        {
            var from = (s * search.Parts + part) * Bins + thread * 4;
            count0 += histograms[from];
            count1 += histograms[from + 1];
            count2 += histograms[from + 2];
            count3 += histograms[from + 3];
        }
        sums[thread] = count0 + count1 + count2 + count3;
        Group.Barrier();
        for (var i = thread + 1; i < Threads; i++)
            wanted -= sums[i];
        // The digit belongs to a thread of higher digits.
        if (wanted <= 0)
            return;
        var digit = 3;
        if (count3 < wanted)
        {
            wanted -= count3;
            digit = 2;
            if (count2 < wanted)
            {
                wanted -= count2;
                digit = 1;
                if (count1 < wanted)
                {
                    wanted -= count1;
                    digit = 0;
                }
            }
        }
        // The digit belongs to a thread of lower digits, if there is one.
        if (digit == 0 && count0 < wanted && thread > 0)
            return;
        states[s] = new State(threshold | (uint)(thread * 4 + digit) << (32 - DigitBits * (pass + 1)), wanted);
    }

    /// <summary>One thread = one segment: all elements that count are wanted.</summary>
    internal static void TakeAllKernel(Index1D segment, ArrayView<State> states, int k) => states[segment] = new State(0, k);

    /// <summary>
    /// One group = one part of a segment: how many elements are above the threshold, and how many equal it. One thread = every 64th
    /// element.
    /// </summary>
    [GroupedKernel]
    internal static void TallyKernel(
        ArrayView<float> values, ArrayView<Segment> segments, ArrayView<State> states, Search search, ArrayView<Tally> tallies)
    {
        var own = SharedMemory.Allocate1D<Tally>(Threads);
        var thread = Group.IdxX;
        var s = Grid.IdxX / search.Parts;
        var segment = segments[s];
        var threshold = states[s].Threshold;
        var above = 0;
        var equal = 0;
        var end = search.End(Grid.IdxX, segment);
        for (var i = search.First(Grid.IdxX) + thread; i < end; i += Threads)
        {
            var key = TopK.Key(values[segment.First + i * segment.Step], search.Above);
            above += key > threshold ? 1 : 0;
            equal += key == threshold && key != 0 ? 1 : 0;
        }
        own[thread] = new Tally(above, equal);
        Group.Barrier();
        if (thread > 0)
            return;
        for (var i = 1; i < Threads; i++)
        {
            above += own[i].Above;
            equal += own[i].Equal;
        }
        tallies[Grid.IdxX] = new Tally(above, equal);
    }

    /// <summary>
    /// One group = one part of a segment: takes its elements above the threshold, and the first that equal it. One thread = runs of 16
    /// elements.
    /// </summary>
    [GroupedKernel]
    internal static void TakeKernel(
        ArrayView<float> values, ArrayView<Segment> segments, ArrayView<State> states, Search search, ArrayView<Tally> tallies,
        ArrayView<ulong> codes, ArrayView<int> counts)
    {
        var found = SharedMemory.Allocate1D<Tally>(Threads);
        var any = SharedMemory.Allocate1D<int>(1);
        var thread = Group.IdxX;
        var s = Grid.IdxX / search.Parts;
        var segment = segments[s];
        var state = states[s];

        // What the parts before this one take.
        var aboveBefore = 0;
        var equalBefore = 0;
        for (var part = s * search.Parts; part < Grid.IdxX; part++)
        {
            aboveBefore += tallies[part].Above;
            equalBefore += tallies[part].Equal;
        }
        if (thread == 0 && Grid.IdxX == (s + 1) * search.Parts - 1)
        {
            var all = tallies[Grid.IdxX];
            counts[s] = aboveBefore + all.Above + IntrinsicMath.Min(equalBefore + all.Equal, state.Wanted);
        }
        var end = search.End(Grid.IdxX, segment);
        for (var tile = search.First(Grid.IdxX); tile < end; tile += Threads * RunLength)
        {
            if (thread == 0)
                any[0] = 0;
            Group.Barrier();
            var first = tile + thread * RunLength;
            var last = IntrinsicMath.Min(first + RunLength, end);
            var above = 0;
            var equal = 0;
            for (var i = first; i < last; i++)
            {
                var key = TopK.Key(values[segment.First + i * segment.Step], search.Above);
                above += key > state.Threshold ? 1 : 0;
                equal += key == state.Threshold && key != 0 ? 1 : 0;
            }
            found[thread] = new Tally(above, equal);
            // All threads that write it write the same value.
            if (above + equal > 0)
                any[0] = 1;
            Group.Barrier();
            var isAny = any[0];
            if (isAny != 0)
            {
                var aboveHere = aboveBefore;
                var equalHere = equalBefore;
                for (var i = 0; i < Threads; i++)
                {
                    aboveBefore += found[i].Above;
                    equalBefore += found[i].Equal;
                    aboveHere += i < thread ? found[i].Above : 0;
                    equalHere += i < thread ? found[i].Equal : 0;
                }
                if (above + equal > 0)
                {
                    // Of the earlier elements that equal the threshold, only the first Wanted were taken.
                    var to = s * search.K + aboveHere + IntrinsicMath.Min(equalHere, state.Wanted);
                    for (var i = first; i < last; i++)
                    {
                        var key = TopK.Key(values[segment.First + i * segment.Step], search.Above);
                        var isEqual = key == state.Threshold && key != 0;
                        if (key > state.Threshold || (isEqual && equalHere < state.Wanted))
                            codes[to++] = TopK.Code(key, i);
                        equalHere += isEqual ? 1 : 0;
                    }
                }
            }
            // The next tile overwrites what other threads may still read.
            Group.Barrier();
        }
    }

    /// <summary>The digits of the threshold found so far, and how many elements at it are still to be taken.</summary>
    internal readonly record struct State(uint Threshold, int Wanted);

    /// <summary>The numbers of elements above the threshold and equal to it.</summary>
    internal readonly record struct Tally(int Above, int Equal);

    /// <summary>The parameters of a search. Segments are split into equal parts, each the work of one group.</summary>
    internal readonly record struct Search(float Above, int Parts, int PartLength, int K)
    {
        /// <summary>Returns the first element of a group's part.</summary>
        public int First(int group) => group % Parts * PartLength;

        /// <summary>Returns the element after the last of a group's part.</summary>
        public int End(int group, Segment segment) => IntrinsicMath.Min(First(group) + PartLength, segment.Length);
    }
}
