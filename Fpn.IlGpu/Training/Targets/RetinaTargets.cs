using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Training;

/// <summary>
/// RetinaNet's targets for one picture (Focal Loss, section 4, Anchors). Nothing is sampled: every anchor has a label, and positives also
/// have deltas to their true boxes.
/// </summary>
/// <param name="Labels">
/// The class index of each anchor's true box, [A], or <see cref="Background"/>, or <see cref="Ignored"/>.
/// </param>
/// <param name="Positives">The indices of the positive anchors, ascending.</param>
/// <param name="Deltas">The target deltas of the positives, [positives, 4]: dx, dy, dw, dh, times the head's weights.</param>
internal sealed record RetinaTargets(int[] Labels, int[] Positives, float[] Deltas)
{
    /// <summary>The label of an anchor without an object.</summary>
    public const int Background = -1;

    /// <summary>The label of an anchor that has no loss.</summary>
    public const int Ignored = -2;

    /// <summary>Computes the targets for a picture.</summary>
    /// <param name="anchors">All anchors of the input.</param>
    /// <param name="truth">The picture's true boxes.</param>
    /// <param name="rule">The rule for positives and negatives.</param>
    /// <param name="weights">The head's delta weights, usually 1, 1, 1, 1.</param>
    public static RetinaTargets Of(BoxColumns anchors, PictureTruth truth, MatchRule rule, BoxWeights weights)
    {
        var matches = BoxMatching.Run(anchors, truth.Boxes, truth.Ignored, rule);
        var labels = new int[matches.Length];
        var positives = new List<int>();
        for (var a = 0; a < matches.Length; a++)
        {
            labels[a] = matches[a] switch
            {
                BoxMatching.Negative => Background,
                BoxMatching.Neither => Ignored,
                var t => truth.Classes[t],
            };
            if (matches[a] >= 0)
                positives.Add(a);
        }
        var deltas = new float[4 * positives.Count];
        foreach (var (i, a) in positives.Index())
            BoxCoding.Encode(anchors[a], truth.Boxes[matches[a]], weights, deltas.AsSpan(i * 4, 4));
        return new RetinaTargets(labels, [.. positives], deltas);
    }
}
