using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>The detector: your kernels, plugged in.</summary>
public static class Chapter12
{
    /// <summary>The kernels of the other solutions.</summary>
    public static CourseKernels Kernels { get; } = new()
    {
        Lateral = Chapter05.Naive,
        Merge = Chapter06.Kernel,
        Smooth = Chapter07.Smooth,
        Subsample = Chapter07.Subsample,
        DecodeAnchors = Chapter08.Kernel,
        Decode = Chapter08.Decode,
        Best = Chapter09.Kernel,
        Mask = Chapter10.Mask,
        Keep = Chapter10.Keep,
        Level = Chapter11.Level,
        RoiAlign = Chapter11.Kernel,
    };

    /// <summary>Builds the pyramid: P2 to P6 at the indices 2 to 6.</summary>
    public static Map[] Pyramid(Stages stages)
    {
        var pyramid = new Map[7];
        var merged = stages.Lateral(5);
        pyramid[5] = stages.Smooth(5, merged);
        for (var level = 4; level >= 2; level--)
        {
            merged = stages.Merge(stages.Lateral(level), merged);
            pyramid[level] = stages.Smooth(level, merged);
        }
        pyramid[6] = stages.Subsample(pyramid[5]);
        return pyramid;
    }

    /// <summary>Proposes regions, in input px: at most 1000, best first.</summary>
    public static Box[] Propose(Stages stages, Map[] pyramid)
    {
        var (boxes, scores, levels) = (new List<Box>(), new List<float>(), new List<int>());
        for (var level = 2; level <= 6; level++)
        {
            var (objectness, deltas) = stages.RpnHead(level, pyramid[level]);
            var decoded = stages.DecodeAnchors(level, pyramid[level], deltas);
            foreach (var i in stages.Best(objectness, 1000))
            {
                var box = stages.Clip(decoded[i]);
                if (box.Width < 0.001f || box.Height < 0.001f)
                    continue;
                boxes.Add(box);
                scores.Add(objectness[i]);
                levels.Add(level);
            }
        }
        var order = stages.Best(scores, scores.Count);
        Box[] ranked = [.. order.Select(i => boxes[i])];
        var kept = stages.Suppress(ranked, [.. order.Select(i => levels[i])], 0.7f);
        return [.. ranked.Where((_, i) => kept[i]).Take(1000)];
    }

    /// <summary>Finds the objects in the regions, best first.</summary>
    public static IReadOnlyList<Found> Find(Stages stages, Map[] pyramid, Box[] rois)
    {
        var (probabilities, deltas) = stages.BoxHead(stages.RoiFeatures(pyramid, rois));
        var found = new List<Found>();
        for (var i = 0; i < probabilities.Length; i++)
        {
            var (r, classId) = (i / stages.Classes, i % stages.Classes);
            if (classId == 0 || probabilities[i] <= 0.5f)
                continue;
            var moved = new Deltas(deltas[4 * i] / 10, deltas[4 * i + 1] / 10, deltas[4 * i + 2] / 5, deltas[4 * i + 3] / 5);
            found.Add(new Found(classId, probabilities[i], stages.Clip(stages.Decode(rois[r], moved))));
        }
        var order = stages.Best([.. found.Select(f => f.Score)], found.Count);
        Found[] ranked = [.. order.Select(i => found[i])];
        var kept = stages.Suppress([.. ranked.Select(f => f.BoxInputPx)], [.. ranked.Select(f => f.ClassId)], 0.5f);
        return [.. ranked.Where((_, i) => kept[i])];
    }
}
