using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Course.Exercises;

/// <summary>The detector: your kernels, plugged in. docs/course/12-detector.md explains it.</summary>
public static class Chapter12
{
    /// <summary>Builds the pyramid: P2 to P6 at the indices 2 to 6.</summary>
    public static Map[] Pyramid(Stages stages)
    {
        var pyramid = new Map[7];

        // Your lines, with stages.Lateral, Merge, Smooth and Subsample: from the top down.
        return pyramid;
    }

    /// <summary>Proposes regions, in input px: at most 1000, best first.</summary>
    public static Box[] Propose(Stages stages, Map[] pyramid)
    {
        // Your lines instead of this one, with stages.RpnHead, DecodeAnchors, Clip, Best and Suppress: the best 1000 anchors of each
        // level; no boxes with a side below 0.001 px; NMS with 0.7 within each level; the best 1000 of what is left.
        return [];
    }

    /// <summary>Finds the objects in the regions, best first.</summary>
    public static IReadOnlyList<Found> Find(Stages stages, Map[] pyramid, Box[] rois)
    {
        // Your lines instead of this one, with stages.RoiFeatures, BoxHead, Decode, Clip, Best and Suppress: all classes but the
        // background whose probability is over 0.5; deltas divided by 10, 10, 5, 5; NMS with 0.5 within each class.
        return [];
    }
}
