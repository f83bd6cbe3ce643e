using Fpn.IlGpu.Data;
using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Training;

/// <summary>
/// What the RPN is to learn of one picture (paper, section 4.1): of all levels' anchors, those that cross the border too, up
/// to 256 are chosen, their objectness being 1 for positives and 0 for negatives; and the deltas that take each positive to
/// its true box.
/// </summary>
/// <param name="Positives">Indices of anchors, ascending.</param>
/// <param name="Negatives">Indices of anchors, ascending.</param>
/// <param name="Deltas">[positives, 4]: dx, dy, dw, dh.</param>
internal sealed record AnchorTargets(int[] Positives, int[] Negatives, float[] Deltas)
{
    private static readonly BoxWeights Weights = new(1, 1, 1, 1);

    /// <summary>Finds the targets of a picture.</summary>
    /// <param name="anchors">[A], of all levels, in input px.</param>
    /// <param name="truth">The picture's.</param>
    /// <param name="size">How many to choose.</param>
    /// <param name="rule">Which are positive, and which negative.</param>
    /// <param name="random">Chooses.</param>
    public static AnchorTargets Of(BoxColumns anchors, PictureTruth truth, SampleSize size, MatchRule rule, KeyedRandom random)
    {
        var matches = BoxMatching.Run(anchors, truth.Boxes, truth.Ignored, rule);
        var (positives, negatives) = TargetSampler.Choose(matches, size, random);
        var deltas = new float[positives.Length * 4];
        for (var i = 0; i < positives.Length; i++)
            BoxCoding.Encode(anchors[positives[i]], truth.Boxes[matches[positives[i]]], Weights, deltas.AsSpan(i * 4, 4));
        return new AnchorTargets(positives, negatives, deltas);
    }
}
