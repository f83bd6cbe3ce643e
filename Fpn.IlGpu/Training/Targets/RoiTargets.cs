using Fpn.IlGpu.Data;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// What the box head is to learn of one picture (Fast R-CNN, section 2.3): of its proposals, and its true boxes, without
/// which there would be hardly a positive in the beginning, up to 512 are chosen; the class of each, and the deltas that
/// take each positive to its true box.
/// </summary>
/// <param name="Rois">[R], in input px; positives come first.</param>
/// <param name="ClassIndices">[R], from 0, or <see cref="Background"/>.</param>
/// <param name="Truth">[positives]: which of the picture's true boxes each stands for.</param>
/// <param name="Deltas">[positives, 4]: dx, dy, dw, dh, times the head's weights.</param>
internal sealed record RoiTargets(Box[] Rois, int[] ClassIndices, int[] Truth, float[] Deltas)
{
    /// <summary>The class index of what is no object.</summary>
    public const int Background = -1;

    /// <summary>How many of the RoIs, the first ones, are positive.</summary>
    public int Positives => Truth.Length;

    /// <summary>Finds the targets of a picture.</summary>
    /// <param name="proposals">In input px.</param>
    /// <param name="truth">The picture's.</param>
    /// <param name="size">How many to choose.</param>
    /// <param name="rule">Which are positive, and which negative.</param>
    /// <param name="weights">The head's: 10, 10, 5, 5.</param>
    /// <param name="random">Chooses.</param>
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
