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
    /// <summary>torchvision drops detections with a side below 1e-2 px.</summary>
    public const float SmallestSidePx = 1e-2f;

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
        using var lists = Decode(device, predictions, proposals, pictures, settings);
        Suppress(device, lists, settings);
        return Best(device, lists, (int)pictures.Length, settings);
    }

    /// <summary>Applies softmax, and decodes the boxes of all candidates, before NMS; the caller disposes them.</summary>
    public static ClassCandidates Decode(
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
        var indices = device.Rent<int>(sizes.Total);
        var listCounts = device.Rent<int>(lists);
        device.Launch(SegmentKernel, lists, proposals.PerPicture.View, sizes, segments.View);
        TopK.Run(
            device, predictions.Logits.Value.View, segments.View, capacity, capacity, settings.ScoreThreshold, indices.View, listCounts.View);

        var candidates = new CandidateList(device, sizes.Total);
        var grain = Grain.For(device, sizes.Total, 1);
        device.Launch(
            DecodeKernel, grain.Threads(sizes.Total, 1),
            new Inputs(predictions.Logits.Value.View, predictions.Deltas.Value.View, proposals.Boxes.View), pictures, new Lists(segments.View, indices.View, listCounts.View), settings.BoxWeights, sizes, grain, candidates.View);
        return new ClassCandidates(indices, listCounts, candidates, capacity, objectClasses);
    }

    /// <summary>Runs NMS within each class of each picture; suppressed boxes lose their score.</summary>
    public static void Suppress(Device device, ClassCandidates lists, PostProcessSettings settings)
        => NonMaximumSuppression.Run(
            device, lists.Candidates.Boxes.View, lists.Counts.View, lists.Candidates.Scores.View, lists.Capacity, settings.NmsThreshold);

    /// <summary>Keeps the best detections of each picture; the caller disposes them.</summary>
    public static FoundBoxes Best(Device device, ClassCandidates lists, int batch, PostProcessSettings settings)
        => BestOfPicture.Take(device, lists.Candidates, batch, lists.Classes * lists.Capacity, settings.DetectionsPerPicture);

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

/// <summary>The candidates of each class of each picture, lists of M places, before and after NMS.</summary>
/// <param name="Indices">[lists, M]: the index of the RoI in its picture, best first.</param>
/// <param name="Counts">[lists]: how many places are taken.</param>
/// <param name="Candidates">[lists, M]: boxes, scores, classes.</param>
/// <param name="Capacity">M.</param>
/// <param name="Classes">The number of lists of a picture: the classes without the background.</param>
internal readonly record struct ClassCandidates(
    DeviceArray<int> Indices, DeviceArray<int> Counts, CandidateList Candidates, int Capacity, int Classes) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Indices.Dispose();
        Counts.Dispose();
        Candidates.Dispose();
    }
}
