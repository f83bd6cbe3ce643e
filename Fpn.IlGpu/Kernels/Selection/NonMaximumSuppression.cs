using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Greedy non-maximum suppression, segment by segment (a level of a picture; a class of a picture): from the best box
/// down, a box is kept unless its IoU with one kept before is over the threshold.
/// <code>IoU = shared area / joint area;  0 for two boxes without area</code>
/// A CPU compares each box with those kept so far (<see cref="NmsOnCpu"/>); a GPU compares all pairs at once, and then
/// goes through them in order (<see cref="NmsOnGpu"/>).
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
    /// <exception cref="DeviceException">There are more pairs of boxes than a GPU's kernels can index.</exception>
    public static void Run(
        Device device, ArrayView<Box> boxes, ArrayView<int> counts, ArrayView<float> scores, int capacity, float threshold)
        => Launch(device, new BoxLists(boxes, counts, counts), scores, new NmsSettings(capacity, threshold, 0));

    /// <summary>Runs it on boxes of several classes, of which only those of one class suppress one another.</summary>
    /// <param name="device">Where all arrays are.</param>
    /// <param name="boxes">[S, M], best first.</param>
    /// <param name="counts">[S]: how many boxes each segment has.</param>
    /// <param name="scores">[S, M]: a negative score is no candidate; suppressed ones become <see cref="Dropped"/>.</param>
    /// <param name="classIds">[S, M].</param>
    /// <param name="capacity">M.</param>
    /// <param name="threshold">The IoU over which a box is suppressed, 0…1.</param>
    /// <exception cref="DeviceException">There are more pairs of boxes than a GPU's kernels can index.</exception>
    public static void RunByClass(
        Device device, ArrayView<Box> boxes, ArrayView<int> counts, ArrayView<float> scores, ArrayView<int> classIds, int capacity,
        float threshold)
        => Launch(device, new BoxLists(boxes, counts, classIds), scores, new NmsSettings(capacity, threshold, 1));

    private static void Launch(Device device, BoxLists lists, ArrayView<float> scores, NmsSettings settings)
    {
        if (device.Info.Kind == DeviceKind.Cpu)
            NmsOnCpu.Run(device, lists, scores, settings);
        else
            NmsOnGpu.Run(device, lists, scores, settings);
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
}

/// <summary>Lists of boxes as kernels see them.</summary>
/// <param name="Boxes">[S, M], best first.</param>
/// <param name="Counts">[S].</param>
/// <param name="ClassIds">[S, M], where classes count.</param>
internal readonly record struct BoxLists(ArrayView<Box> Boxes, ArrayView<int> Counts, ArrayView<int> ClassIds);

/// <summary>How boxes are suppressed.</summary>
/// <param name="Capacity">M.</param>
/// <param name="Threshold">IoU.</param>
/// <param name="ByClass">Whether only boxes of one class suppress one another.</param>
internal readonly record struct NmsSettings(int Capacity, float Threshold, int ByClass);
