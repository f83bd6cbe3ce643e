using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>The settings of the step from the box head's outputs to detections.</summary>
/// <param name="ScoreThreshold">Only class probabilities above this become detections, 0…1.</param>
/// <param name="NmsThreshold">The IoU threshold of NMS within a class, 0…1.</param>
/// <param name="DetectionsPerPicture">The number of best detections kept for each picture.</param>
/// <param name="BoxWeights">The factors that training multiplied box deltas by.</param>
/// <param name="BackgroundLast">Whether the background is the last class (Detectron2) or the first (torchvision).</param>
internal sealed record PostProcessSettings(
    float ScoreThreshold, float NmsThreshold, int DetectionsPerPicture, BoxWeights BoxWeights, bool BackgroundLast);

/// <summary>
/// Turns the box head's outputs into detections: applies softmax, decodes and clips each RoI's box for every class whose probability
/// is above the threshold, runs NMS within each class, and keeps the best of each picture. Every step runs on the device.
/// </summary>
internal static class PostProcess
{
    // torchvision drops detections with a side below 1e-2 px.
    private const float SmallestSidePx = 1e-2f;

    /// <summary>Runs all steps.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="predictions">The predictions for every proposal; the logits are overwritten by probabilities.</param>
    /// <param name="proposals">The proposals.</param>
    /// <param name="pictures">The size of each picture, [N].</param>
    /// <param name="settings">Counts and thresholds.</param>
    /// <returns>The best detections of each picture; the caller disposes them.</returns>
    public static FoundBoxes Run(
        Device device, BoxPredictions predictions, RoiSet proposals, ArrayView<ResizedPicture> pictures, PostProcessSettings settings)
    {
        var batch = (int)pictures.Length;
        var classes = predictions.Logits.Shape.C;
        var objectClasses = classes - 1;
        var capacity = proposals.CapacityPerPicture;
        var lists = batch * objectClasses;
        var sizes = new Sizes(
            classes, settings.BackgroundLast ? 0 : 1, predictions.Deltas.Shape.C, capacity, checked(lists * capacity));
        Softmax.Run(device, predictions.Logits.Value, predictions.Logits.Value);

        // Each class of each picture has a list of candidates, best first.
        using var segments = device.Rent<Segment>(lists);
        using var indices = device.Rent<int>(sizes.Total);
        using var listCounts = device.Rent<int>(lists);
        device.Launch(SegmentKernel, lists, proposals.PerPicture.View, sizes, segments.View);
        TopK.Run(
            device, predictions.Logits.Value.View, segments.View, capacity, capacity, settings.ScoreThreshold, indices.View, listCounts.View);

        using var candidates = new CandidateList(device, sizes.Total);
        var grain = Grain.For(device, sizes.Total, 1);
        device.Launch(
            DecodeKernel, grain.Threads(sizes.Total, 1),
            new Inputs(predictions.Logits.Value.View, predictions.Deltas.Value.View, proposals.Boxes.View), pictures, new Lists(segments.View, indices.View, listCounts.View), settings.BoxWeights, sizes, grain, candidates.View);
        NonMaximumSuppression.Run(
            device, candidates.Boxes.View, listCounts.View, candidates.Scores.View, capacity, settings.NmsThreshold);
        return BestOfPicture.Take(device, candidates, batch, objectClasses * capacity, settings.DetectionsPerPicture);
    }

    /// <summary>One thread = one class of one picture: the segment of its column of probabilities.</summary>
    internal static void SegmentKernel(Index1D index, ArrayView<int> perPicture, Sizes sizes, ArrayView<Segment> segments)
    {
        var objectClasses = sizes.Classes - 1;
        var n = index / objectClasses;
        var before = 0;
        for (var i = 0; i < n; i++)
            before += perPicture[i];
        var first = before * sizes.Classes + index % objectClasses + sizes.FirstObjectClass;
        segments[index] = new Segment(first, perPicture[n], sizes.Classes);
    }

    /// <summary>One thread = a few candidates: the decoded and clipped box, and the score if there is one.</summary>
    internal static void DecodeKernel(
        Index1D index, Inputs inputs, ArrayView<ResizedPicture> pictures, Lists lists, BoxWeights weights, Sizes sizes, Grain grain,
        Candidates candidates)
    {
        int first = index * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Total);
        for (var i = first; i < end; i++)
        {
            var list = i / sizes.Capacity;
            candidates.Scores[i] = NonMaximumSuppression.Dropped;
            if (i % sizes.Capacity >= lists.Counts[list])
                continue;
            var at = lists.Segments[list].First + lists.Indices[i] * sizes.Classes;
            var picture = pictures[list / (sizes.Classes - 1)];
            var roi = at / sizes.Classes;
            var classId = at % sizes.Classes;
            var box = BoxCoding.Decode(inputs.Proposals[roi], inputs.Deltas, roi * sizes.DeltasPerRoi + classId * 4, weights);
            box = BoxCoding.Clip(box, picture.ResizedW, picture.ResizedH);
            candidates.Boxes[i] = box;
            candidates.ClassIds[i] = classId;
            if (box.Width >= SmallestSidePx && box.Height >= SmallestSidePx)
                candidates.Scores[i] = inputs.Probabilities[at];
        }
    }

    internal readonly record struct Sizes(int Classes, int FirstObjectClass, int DeltasPerRoi, int Capacity, int Total);

    internal readonly record struct Inputs(ArrayView<float> Probabilities, ArrayView<float> Deltas, ArrayView<Box> Proposals);

    internal readonly record struct Lists(ArrayView<Segment> Segments, ArrayView<int> Indices, ArrayView<int> Counts);
}
