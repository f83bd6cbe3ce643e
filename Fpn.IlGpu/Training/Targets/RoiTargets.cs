using Fpn.IlGpu.Data;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The box head's targets for one picture (Fast R-CNN, section 2.3). Up to 512 RoIs are sampled from its proposals and its true boxes;
/// without the true boxes there would be hardly any positives at the beginning. Each RoI has a class, and positives also have deltas
/// to their true boxes.
/// </summary>
/// <param name="Rois">The RoIs, [R], in input px; positives come first.</param>
/// <param name="ClassIndices">The class index of each RoI, [R], from 0, or <see cref="Background"/>.</param>
/// <param name="Truth">The index of each positive's true box in the picture, [positives].</param>
/// <param name="Deltas">The target deltas, [positives, 4]: dx, dy, dw, dh, times the head's weights.</param>
internal sealed record RoiTargets(Box[] Rois, int[] ClassIndices, int[] Truth, float[] Deltas)
{
    /// <summary>The class index of the background.</summary>
    public const int Background = -1;

    /// <summary>The number of positive RoIs, which come first.</summary>
    public int Positives => Truth.Length;

    /// <summary>Computes the targets for a picture.</summary>
    /// <param name="proposals">The proposals, in input px.</param>
    /// <param name="truth">The picture's true boxes.</param>
    /// <param name="size">The number of RoIs to sample.</param>
    /// <param name="rule">The rule for positives and negatives.</param>
    /// <param name="weights">The head's delta weights, usually 10, 10, 5, 5.</param>
    /// <param name="random">The random numbers for sampling.</param>
    public static RoiTargets Of(
        ReadOnlySpan<Box> proposals, PictureTruth truth, SampleSize size, MatchRule rule, BoxWeights weights, KeyedRandom random)
    {
        Box[] candidates = [.. proposals, .. truth.Boxes];
        var matches = BoxMatching.Run(new BoxColumns(candidates), truth.Boxes, truth.Ignored, rule);
        var (positives, negatives) = TargetSampler.Choose(matches, size, random);
        var deltas = new float[positives.Length * 4];
        for (var i = 0; i < positives.Length; i++)
            BoxCoding.Encode(candidates[positives[i]], truth.Boxes[matches[positives[i]]], weights, deltas.AsSpan(i * 4, 4));
        var matched = Array.ConvertAll(positives, i => matches[i]);
        return new RoiTargets(
            [.. positives.Select(i => candidates[i]), .. negatives.Select(i => candidates[i])],
            [.. matched.Select(t => truth.Classes[t]), .. negatives.Select(_ => Background)],
            matched,
            deltas);
    }
}
