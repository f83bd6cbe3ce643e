using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>Values that are ranked among themselves: element i is at First + i · Step.</summary>
internal readonly record struct Segment(int First, int Length, int Step)
{
    /// <summary>Every level of every picture of a batch, picture by picture.</summary>
    public static Segment[] OfLevels(FeatureMaps maps, int batch)
        => [.. Enumerable.Range(0, batch * maps.Count).Select(s =>
        {
            var (n, l) = (s / maps.Count, s % maps.Count);
            var length = (int)maps[l].Shape.Length / batch;
            return new Segment(maps.Offset(l) + n * length, length, 1);
        })];

    /// <summary>Every picture of a batch, each with as many values.</summary>
    public static Segment[] OfPictures(int batch, int perPicture)
        => [.. Enumerable.Range(0, batch).Select(n => new Segment(n * perPicture, perPicture, 1))];
}

/// <summary>
/// The k largest values of each segment, in falling order, equal ones by rising index; the same result run after run.
/// <para>
/// Selecting: values as unsigned numbers of the same order, by radix from the highest of four digits down. Each pass
/// counts the digit's values among the elements whose higher digits are the threshold's so far, and takes the digit at
/// which the count from above reaches k. Then every part of a segment knows from prefix sums where the elements that
/// it takes go, and how many that equal the threshold are still wanted: in order, without atomics, which on OpenCL
/// would need the generic address space. Sorting: an element's rank is the number of those before it.
/// </para>
/// </summary>
internal static class TopK
{
    private const int DigitBits = 8;
    private const int Bins = 1 << DigitBits;
    private const int Passes = 32 / DigitBits;
    private const int GpuPartsPerSegment = 128;
    private const int CpuPartsPerThread = 4;

    /// <summary>Runs it.</summary>
    /// <param name="device">Where all arrays are.</param>
    /// <param name="values">The segments' values.</param>
    /// <param name="segments">[S].</param>
    /// <param name="maxLength">The longest segment's length, or more.</param>
    /// <param name="k">How many to take of each.</param>
    /// <param name="above">Values that are not above this don't count, nor does NaN.</param>
    /// <param name="indices">[S, k]: indices within the segment, best first.</param>
    /// <param name="counts">[S]: how many there are, at most k.</param>
    public static void Run(
        Device device, ArrayView<float> values, ArrayView<Segment> segments, int maxLength, int k, float above,
        ArrayView<int> indices, ArrayView<int> counts)
    {
        var count = (int)segments.Length;
        var parts = device.Info.Kind == DeviceKind.Cpu ? device.Threads * CpuPartsPerThread : GpuPartsPerSegment;
        parts = Math.Clamp(maxLength / Bins, 1, parts);
        var search = new Search(above, parts, Grain.Count(maxLength, parts), k);

        using var states = device.Rent<State>(count);
        using var tallies = device.Rent<Tally>((long)count * parts);
        using var before = device.Rent<Tally>((long)count * parts);
        using var candidates = device.Rent<Candidate>((long)count * k);
        device.Launch(BeginKernel, count, states.View, k);
        if (k < maxLength)
            FindThresholds(device, values, segments, search, states.View);
        device.Launch(TallyKernel, count * parts, values, segments, states.View, search, tallies.View);
        device.Launch(PrefixKernel, count, search, states.View, tallies.View, before.View, counts);
        device.Launch(TakeKernel, count * parts, values, segments, states.View, search, before.View, candidates.View);

        var grain = Grain.For(device, count * k, 1);
        device.Launch(RankKernel, grain.Threads(count * k, 1), candidates.View, counts, k, count * k, grain, indices);
    }

    /// <summary>One thread = one segment: nothing known of its threshold.</summary>
    internal static void BeginKernel(Index1D segment, ArrayView<State> states, int k) => states[segment] = new State(0, k);

    /// <summary>One thread = one part of a segment: how often each digit occurs in it, [S, parts, bins].</summary>
    internal static void CountKernel(
        Index1D index, ArrayView<float> values, ArrayView<Segment> segments, ArrayView<State> states,
        Search search, int pass, ArrayView<int> histograms)
    {
        var s = index / search.Parts;
        var segment = segments[s];
        var shift = 32 - DigitBits * (pass + 1);
        int histogram = index * Bins;
        for (var bin = 0; bin < Bins; bin++)
            histograms[histogram + bin] = 0;
        var end = search.End(index, segment);
        for (var i = search.First(index); i < end; i++)
        {
            var key = Key(values[segment.First + i * segment.Step], search.Above);
            // A shift by all 32 bits would be a shift by none.
            if (pass == 0 || key >> (shift + DigitBits) == states[s].Threshold >> (shift + DigitBits))
                histograms[histogram + (int)(key >> shift & (Bins - 1))]++;
        }
    }

    /// <summary>One thread = one bin of a segment: its count over all parts, left in the first part's histogram.</summary>
    internal static void SumKernel(Index1D index, int parts, ArrayView<int> histograms)
    {
        int first = index / Bins * parts * Bins + index % Bins;
        var sum = 0;
        for (var part = 0; part < parts; part++)
            sum += histograms[first + part * Bins];
        histograms[first] = sum;
    }

    /// <summary>One thread = one segment: the digit at which the count from above reaches what is still wanted.</summary>
    internal static void PickKernel(Index1D segment, ArrayView<int> histograms, int parts, int pass, ArrayView<State> states)
    {
        var state = states[segment];
        int first = segment * parts * Bins;
        var digit = Bins - 1;
        var wanted = state.Wanted;
        while (digit > 0 && histograms[first + digit] < wanted)
        {
            wanted -= histograms[first + digit];
            digit--;
        }
        states[segment] = new State(state.Threshold | (uint)digit << (32 - DigitBits * (pass + 1)), wanted);
    }

    /// <summary>One thread = one part of a segment: how many elements are above the threshold, and how many equal it.</summary>
    internal static void TallyKernel(
        Index1D index, ArrayView<float> values, ArrayView<Segment> segments, ArrayView<State> states,
        Search search, ArrayView<Tally> tallies)
    {
        var s = index / search.Parts;
        var segment = segments[s];
        var threshold = states[s].Threshold;
        var above = 0;
        var equal = 0;
        var end = search.End(index, segment);
        for (var i = search.First(index); i < end; i++)
        {
            var key = Key(values[segment.First + i * segment.Step], search.Above);
            above += key > threshold ? 1 : 0;
            equal += key == threshold && key != 0 ? 1 : 0;
        }
        tallies[index] = new Tally(above, equal);
    }

    /// <summary>One thread = one segment: what is before each part, and how many are taken in all.</summary>
    internal static void PrefixKernel(
        Index1D segment, Search search, ArrayView<State> states, ArrayView<Tally> tallies, ArrayView<Tally> before, ArrayView<int> counts)
    {
        var above = 0;
        var equal = 0;
        int first = segment * search.Parts;
        for (var part = first; part < first + search.Parts; part++)
        {
            before[part] = new Tally(above, equal);
            above += tallies[part].Above;
            equal += tallies[part].Equal;
        }
        counts[segment] = above + IntrinsicMath.Min(equal, states[segment].Wanted);
    }

    /// <summary>One thread = one part of a segment: its elements above the threshold, and the first that equal it.</summary>
    internal static void TakeKernel(
        Index1D index, ArrayView<float> values, ArrayView<Segment> segments, ArrayView<State> states, Search search,
        ArrayView<Tally> before, ArrayView<Candidate> candidates)
    {
        var s = index / search.Parts;
        var segment = segments[s];
        var state = states[s];
        var equal = before[index].Equal;
        // Of those before that equal the threshold, only the first so many were taken.
        int to = s * search.K + before[index].Above + IntrinsicMath.Min(equal, state.Wanted);
        var end = search.End(index, segment);
        for (var i = search.First(index); i < end; i++)
        {
            var key = Key(values[segment.First + i * segment.Step], search.Above);
            var isEqual = key == state.Threshold && key != 0;
            if (key > state.Threshold || (isEqual && equal < state.Wanted))
                candidates[to++] = new Candidate(key, i);
            equal += isEqual ? 1 : 0;
        }
    }

    /// <summary>One thread = some candidates: a candidate's rank is the number of those before it.</summary>
    internal static void RankKernel(
        Index1D index, ArrayView<Candidate> candidates, ArrayView<int> counts, int k, int total, Grain grain, ArrayView<int> indices)
    {
        int first = index * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, total);
        for (var i = first; i < end; i++)
        {
            var s = i / k;
            if (i % k >= counts[s])
                continue;
            var own = candidates[i];
            var rank = 0;
            for (var j = s * k; j < s * k + counts[s]; j++)
            {
                var other = candidates[j];
                // Candidates are in the order of their indices: of equal ones, those before come first.
                rank += other.Key > own.Key || (other.Key == own.Key && j < i) ? 1 : 0;
            }
            indices[s * k + rank] = own.Index;
        }
    }

    private static void FindThresholds(
        Device device, ArrayView<float> values, ArrayView<Segment> segments, Search search, ArrayView<State> states)
    {
        var count = (int)segments.Length;
        using var histograms = device.Rent<int>((long)count * search.Parts * Bins);
        for (var pass = 0; pass < Passes; pass++)
        {
            device.Launch(CountKernel, count * search.Parts, values, segments, states, search, pass, histograms.View);
            device.Launch(SumKernel, count * Bins, search.Parts, histograms.View);
            device.Launch(PickKernel, count, histograms.View, search.Parts, pass, states);
        }
    }

    /// <summary>A float as an unsigned number of the same order; 0 where it doesn't count.</summary>
    private static uint Key(float value, float above)
    {
        if (!(value > above))
            return 0;
        var bits = Interop.FloatAsInt(value);
        return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
    }

    /// <summary>The threshold's digits found so far, and how many elements are still to be taken at it.</summary>
    internal readonly record struct State(uint Threshold, int Wanted);

    /// <summary>Numbers of elements above the threshold, and equal to it.</summary>
    internal readonly record struct Tally(int Above, int Equal);

    internal readonly record struct Candidate(uint Key, int Index);

    /// <summary>What is searched: segments are split into equal parts, each the work of one thread.</summary>
    internal readonly record struct Search(float Above, int Parts, int PartLength, int K)
    {
        /// <summary>The first element of a part, by the index of its thread.</summary>
        public int First(int index) => index % Parts * PartLength;

        /// <summary>The element after the last of a part.</summary>
        public int End(int index, Segment segment) => IntrinsicMath.Min(First(index) + PartLength, segment.Length);
    }
}
