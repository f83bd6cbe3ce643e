using Fpn.IlGpu.Data;
using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The RPN's targets for one picture (paper, section 4.1). Up to 256 anchors are sampled from all levels, including anchors that cross
/// the border. The target objectness is 1 for positives and 0 for negatives; positives also have deltas to their true boxes.
/// </summary>
/// <param name="Positives">The indices of the positive anchors, ascending.</param>
/// <param name="Negatives">The indices of the negative anchors, ascending.</param>
/// <param name="Deltas">The target deltas, [positives, 4]: dx, dy, dw, dh.</param>
internal sealed record AnchorTargets(int[] Positives, int[] Negatives, float[] Deltas)
{
    private static readonly BoxWeights Weights = new(1, 1, 1, 1);

    /// <summary>Computes the targets for a picture.</summary>
    /// <param name="anchors">The anchors of all levels, [A], in input px.</param>
    /// <param name="truth">The picture's true boxes.</param>
    /// <param name="size">The number of anchors to sample.</param>
    /// <param name="rule">The rule for positives and negatives.</param>
    /// <param name="random">The random numbers for sampling.</param>
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
