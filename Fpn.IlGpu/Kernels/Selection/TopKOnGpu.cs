using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <see cref="TopK"/> on a GPU. Selecting: the k-th key by radix, from the highest of four digits down. Each pass counts
/// the digit's values among the elements whose higher digits are the threshold's so far, and takes the digit at which the
/// count from above reaches k. Then every part of a segment knows from the counts of those before it where the elements
/// that it takes go, and how many that equal the threshold are still wanted: in order, without atomics, which on OpenCL
/// would need the generic address space. What was taken is sorted by <see cref="CodeSort"/>.
/// </summary>
internal static class TopKOnGpu
{
    // A thread's counts of all 256 digits are 64 words of four, and a group's threads sum up a word each: 16 KiB.
    private const int Threads = 64;
    private const int DigitBits = 8;
    private const int Bins = 1 << DigitBits;
    private const int Passes = 32 / DigitBits;
    private const int MostInByte = 255;

    private const int MostParts = 128;
    private const int LeastPartLength = 4096;

    // Consecutive elements a thread: a line of the cache.
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

    /// <summary>One group = one part of a segment: how often each digit occurs in it, [S, parts, bins].</summary>
    [GroupedKernel]
    internal static void CountKernel(
        ArrayView<float> values, ArrayView<Segment> segments, ArrayView<State> states, Search search, int pass, ArrayView<int> histograms)
    {
        // [64 words of four digits, threads]: each thread counts in a column of its own.
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
        // The counts are bytes, which are summed up before they could overflow.
        for (var first = search.First(Grid.IdxX); first < end; first += Threads * MostInByte)
        {
            for (var word = 0; word < Bins / 4; word++)
                counters[word * Threads + thread] = 0;
            var last = IntrinsicMath.Min(first + Threads * MostInByte, end);
            for (var i = first + thread; i < last; i += Threads)
            {
                var key = TopK.Key(values[segment.First + i * segment.Step], search.Above);
                // A shift by all 32 bits would be a shift by none.
                if (pass == 0 || key >> (shift + DigitBits) == prefix >> (shift + DigitBits))
                {
                    var digit = (int)(key >> shift & (Bins - 1));
                    counters[digit / 4 * Threads + thread] += 1u << (digit % 4 * 8);
                }
            }
            Group.Barrier();
            for (var i = 0; i < Threads; i++)
            {
                // Each thread begins at another column, so that they read from different banks.
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

    /// <summary>One group = one segment: the digit at which the count from above reaches what is still wanted.</summary>
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
        // The digit is another thread's, of higher digits.
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
        // Of lower digits, unless there are no lower ones.
        if (digit == 0 && count0 < wanted && thread > 0)
            return;
        states[s] = new State(threshold | (uint)(thread * 4 + digit) << (32 - DigitBits * (pass + 1)), wanted);
    }

    /// <summary>One thread = one segment: all that counts is wanted.</summary>
    internal static void TakeAllKernel(Index1D segment, ArrayView<State> states, int k) => states[segment] = new State(0, k);

    /// <summary>One group = one part of a segment: how many elements are above the threshold, and how many equal it.</summary>
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

    /// <summary>One group = one part of a segment: its elements above the threshold, and the first that equal it.</summary>
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
            // Whoever writes it writes the same.
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
                    // Of those before that equal the threshold, only the first so many were taken.
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
            // The next tile writes what is still being read.
            Group.Barrier();
        }
    }

    /// <summary>The threshold's digits found so far, and how many elements are still to be taken at it.</summary>
    internal readonly record struct State(uint Threshold, int Wanted);

    /// <summary>Numbers of elements above the threshold, and equal to it.</summary>
    internal readonly record struct Tally(int Above, int Equal);

    /// <summary>What is searched: segments are split into equal parts, each the work of one group.</summary>
    internal readonly record struct Search(float Above, int Parts, int PartLength, int K)
    {
        /// <summary>The first element of a part, by the index of its group.</summary>
        public int First(int group) => group % Parts * PartLength;

        /// <summary>The element after the last of a part.</summary>
        public int End(int group, Segment segment) => IntrinsicMath.Min(First(group) + PartLength, segment.Length);
    }
}
