using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>Values that are ranked together: element i is at First + i · Step.</summary>
internal readonly record struct Segment(int First, int Length, int Step)
{
    /// <summary>Returns one segment for each picture of a batch, each with as many values.</summary>
    public static Segment[] OfPictures(int batch, int perPicture)
        => [.. Enumerable.Range(0, batch).Select(n => new Segment(n * perPicture, perPicture, 1))];
}

/// <summary>
/// The k largest values of each segment in descending order, equal values in ascending order of their index: the same result in every
/// run. A value and its index form one number, its code. No two codes are equal, and the smaller code is the better.
/// <code>code = (not key) · 2³² + index,   key: the value's bits as an unsigned number of the same order</code>
/// A CPU goes through the values once and keeps the best so far (<see cref="TopKOnCpu"/>). A GPU finds the k-th value digit by digit
/// (<see cref="TopKOnGpu"/>).
/// </summary>
internal static class TopK
{
    /// <summary>Finds the largest values of all segments.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="values">The values of all segments.</param>
    /// <param name="segments">[S].</param>
    /// <param name="maxLength">The length of the longest segment, or more.</param>
    /// <param name="k">How many values to take from each segment.</param>
    /// <param name="above">Only values above this count; NaN does not.</param>
    /// <param name="indices">[S, k]: indices within the segment, best first.</param>
    /// <param name="counts">[S]: how many values were taken, at most k.</param>
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

    /// <summary>Returns a float as an unsigned number of the same order; 0 if it does not count.</summary>
    public static uint Key(float value, float above)
    {
        if (!(value > above))
            return 0;
        var bits = Interop.FloatAsInt(value);
        return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
    }

    /// <summary>Returns the code of a key and the index of its value: the smaller, the better.</summary>
    public static ulong Code(uint key, int index) => (ulong)~key << 32 | (uint)index;
}
