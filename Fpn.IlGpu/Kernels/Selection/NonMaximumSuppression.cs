using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Greedy non-maximum suppression, segment by segment (a level of a picture, or a class of a picture): from the best box down, a box is
/// kept unless its IoU with a box kept before is over the threshold.
/// <code>IoU = shared area / joint area;  0 for two boxes without area</code>
/// A CPU compares each box with those kept so far (<see cref="NmsOnCpu"/>). A GPU compares all pairs in parallel, and then goes through
/// them in order (<see cref="NmsOnGpu"/>).
/// </summary>
internal static class NonMaximumSuppression
{
    /// <summary>Marks the score of a box that was suppressed, or was never a candidate.</summary>
    public const float Dropped = -1;

    /// <summary>Suppresses boxes of each segment.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="boxes">[S, M], best first.</param>
    /// <param name="counts">[S]: how many boxes each segment has.</param>
    /// <param name="scores">[S, M]: negative for boxes that are no candidates; suppressed boxes get <see cref="Dropped"/>.</param>
    /// <param name="capacity">M.</param>
    /// <param name="threshold">The IoU over which a box is suppressed, 0…1.</param>
    /// <exception cref="DeviceException">There are more pairs of boxes than a GPU's kernels can index.</exception>
    public static void Run(
        Device device, ArrayView<Box> boxes, ArrayView<int> counts, ArrayView<float> scores, int capacity, float threshold)
        => Launch(device, new BoxLists(boxes, counts, counts), scores, new NmsSettings(capacity, threshold, 0));

    /// <summary>Suppresses boxes of several classes; only boxes of the same class suppress one another.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="boxes">[S, M], best first.</param>
    /// <param name="counts">[S]: how many boxes each segment has.</param>
    /// <param name="scores">[S, M]: negative for boxes that are no candidates; suppressed boxes get <see cref="Dropped"/>.</param>
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

    /// <summary>Returns shared area over joint area; 0 for boxes that do not overlap, and for two boxes without area.</summary>
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
/// <param name="Counts">[S]: how many boxes each segment has.</param>
/// <param name="ClassIds">[S, M]; read only if suppression is by class.</param>
internal readonly record struct BoxLists(ArrayView<Box> Boxes, ArrayView<int> Counts, ArrayView<int> ClassIds);

/// <summary>How boxes are suppressed.</summary>
/// <param name="Capacity">M.</param>
/// <param name="Threshold">The IoU over which a box is suppressed, 0…1.</param>
/// <param name="ByClass">1 if only boxes of the same class suppress one another; otherwise 0.</param>
internal readonly record struct NmsSettings(int Capacity, float Threshold, int ByClass);
