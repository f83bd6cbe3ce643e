using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>Values that are ranked among themselves: element i is at First + i · Step.</summary>
internal readonly record struct Segment(int First, int Length, int Step)
{
    /// <summary>Every picture of a batch, each with as many values.</summary>
    public static Segment[] OfPictures(int batch, int perPicture)
        => [.. Enumerable.Range(0, batch).Select(n => new Segment(n * perPicture, perPicture, 1))];
}

/// <summary>
/// The k largest values of each segment, in falling order, equal ones by rising index; the same result run after run.
/// A value and its index are one number, its code, of which no two are the same: the smaller, the better.
/// <code>code = (not key) · 2³² + index,   key: the value's bits as an unsigned number of the same order</code>
/// A CPU runs through the values once and keeps the best so far (<see cref="TopKOnCpu"/>); a GPU finds the k-th value
/// by its digits (<see cref="TopKOnGpu"/>).
/// </summary>
internal static class TopK
{
    /// <summary>Runs it.</summary>
    /// <param name="device">Where all arrays are.</param>
    /// <param name="values">The segments' values.</param>
    /// <param name="segments">[S].</param>
    /// <param name="maxLength">The longest segment's length, or more.</param>
    /// <param name="k">How many to take of each.</param>
    /// <param name="above">Values that are not above this don't count, nor does NaN.</param>
    /// <param name="indices">[S, k]: indices within the segment, best first.</param>
    /// <param name="counts">[S]: how many there are, at most k.</param>
    /// <exception cref="DeviceException">There are more candidates than kernels can index.</exception>
    public static void Run(
        Device device, ArrayView<float> values, ArrayView<Segment> segments, int maxLength, int k, float above,
        ArrayView<int> indices, ArrayView<int> counts)
    {
        if (device.Info.Kind == DeviceKind.Cpu)
            TopKOnCpu.Run(device, values, segments, maxLength, k, above, indices, counts);
        else
            TopKOnGpu.Run(device, values, segments, maxLength, k, above, indices, counts);
    }

    /// <summary>A float as an unsigned number of the same order; 0 where it doesn't count.</summary>
    public static uint Key(float value, float above)
    {
        if (!(value > above))
            return 0;
        var bits = Interop.FloatAsInt(value);
        return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
    }

    /// <summary>A key with the index of its value: the smaller, the better.</summary>
    public static ulong Code(uint key, int index) => (ulong)~key << 32 | (uint)index;
}
