using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Training;

/// <summary>
/// RetinaNet's targets for one picture (Lin et al., "Focal Loss for Dense Object Detection", section 4). There is no sampling: every
/// anchor learns the class of its true box, or that it is background, unless it is neither. Positives also have deltas to their true
/// boxes.
/// </summary>
/// <param name="Labels">
/// What each anchor is, [A]: a class index from 0, or <see cref="BoxMatching.Negative"/> for the background, or
/// <see cref="BoxMatching.Neither"/> for anchors that are left out of the losses.
/// </param>
/// <param name="Positives">The indices of the anchors that have a class, ascending.</param>
/// <param name="Deltas">The target deltas, [positives, 4]: dx, dy, dw, dh, times the head's weights.</param>
internal sealed record RetinaTargets(int[] Labels, int[] Positives, float[] Deltas)
{
    /// <summary>Computes the targets for a picture.</summary>
    /// <param name="anchors">The anchors of all levels, [A], in input px.</param>
    /// <param name="truth">The picture's true boxes.</param>
    /// <param name="rule">The rule for positives and negatives, usually <see cref="MatchRule.RetinaNet"/>.</param>
    /// <param name="weights">The head's delta weights, usually 1, 1, 1, 1.</param>
    public static RetinaTargets Of(BoxColumns anchors, PictureTruth truth, MatchRule rule, BoxWeights weights)
    {
        var labels = BoxMatching.Run(anchors, truth.Boxes, truth.Ignored, rule);
        var (positives, deltas) = (new List<int>(), new List<float>());
        Span<float> delta = stackalloc float[4];
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] < 0)
                continue;
            BoxCoding.Encode(anchors[i], truth.Boxes[labels[i]], weights, delta);
            positives.Add(i);
            deltas.AddRange(delta);
            labels[i] = truth.Classes[labels[i]];
        }
        return new RetinaTargets(labels, [.. positives], [.. deltas]);
    }
}
