using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>The settings of the step from RetinaNet's outputs to detections.</summary>
/// <param name="ScoreThreshold">Only class probabilities above this become detections, 0…1.</param>
/// <param name="NmsThreshold">The IoU threshold of NMS within a class, 0…1.</param>
/// <param name="CandidatesPerLevel">The number of best candidates considered on each level.</param>
/// <param name="DetectionsPerPicture">The number of best detections kept for each picture.</param>
/// <param name="BoxWeights">The factors that training multiplied box deltas by.</param>
internal sealed record DenseSettings(
    float ScoreThreshold, float NmsThreshold, int CandidatesPerLevel, int DetectionsPerPicture, BoxWeights BoxWeights);

/// <summary>
/// Turns RetinaNet's outputs into detections (Focal Loss, section 4, Inference): selects the best pairs of anchor and class on
/// each level, decodes and clips their boxes, sorts the candidates of all levels by score, runs NMS within each class, and keeps
/// the best of each picture. Every step runs on the device.
/// </summary>
internal static class DensePostProcess
{
    /// <summary>Runs all steps.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="output">RetinaNet's outputs.</param>
    /// <param name="anchors">The anchors.</param>
    /// <param name="inputH">Height of the padded input, in px.</param>
    /// <param name="inputW">Width of the padded input, in px.</param>
    /// <param name="pictures">The size of each picture, [N].</param>
    /// <param name="settings">Counts and thresholds.</param>
    /// <returns>The best detections of each picture; the caller disposes them.</returns>
    public static FoundBoxes Run(
        Device device, RetinaOutput output, Anchors anchors, int inputH, int inputW, ArrayView<ResizedPicture> pictures,
        DenseSettings settings)
    {
        var batch = (int)pictures.Length;
        var grids = anchors.Grids(output.Deltas.Shapes, inputH, inputW);
        var lists = batch * grids.Length;
        var longest = (int)(output.Logits.Shapes[0].Length / batch);
        var capacity = Math.Min(settings.CandidatesPerLevel, longest);
        var perPicture = grids.Length * capacity;
        var classes = output.Logits.Shapes[0].C / anchors.PerLocation;
        var sizes = new Sizes(grids.Length, anchors.PerLocation, classes, capacity, checked(lists * capacity));

        using var levels = device.Upload<AnchorLevel>(grids);
        using var logits = device.Upload<Segment>(output.Logits.LevelSegments(batch));
        using var deltas = device.Upload<Segment>(output.Deltas.LevelSegments(batch));
        using var indices = device.Rent<int>(sizes.Total);
        using var counts = device.Rent<int>(lists);
        TopK.Run(
            device, output.Logits.Values.View, logits.View, longest, capacity, Logit(settings.ScoreThreshold), indices.View, counts.View);

        using var found = new CandidateList(device, sizes.Total);
        var grain = Grain.For(device, sizes.Total, 1);
        device.Launch(
            DecodeKernel, grain.Threads(sizes.Total, 1),
            new Outputs(output.Logits.Values.View, logits.View, output.Deltas.Values.View, deltas.View),
            new Chosen(indices.View, counts.View), new AnchorGrids(anchors.CellView, levels.View), pictures, settings.BoxWeights, sizes,
            grain, found.View);

        // Sort each picture's candidates from all levels, best first.
        using var all = device.Upload<Segment>(Segment.OfPictures(batch, perPicture));
        using var order = device.Rent<int>(sizes.Total);
        using var candidates = device.Rent<int>(batch);
        TopK.Run(
            device, found.Scores.View, all.View, perPicture, perPicture, NonMaximumSuppression.Dropped / 2, order.View, candidates.View);
        using var sorted = new CandidateList(device, sizes.Total);
        device.Launch(
            SortKernel, grain.Threads(sizes.Total, 1), found.View, order.View, candidates.View, perPicture, sizes.Total, grain,
            sorted.View);

        NonMaximumSuppression.RunByClass(
            device, sorted.Boxes.View, candidates.View, sorted.Scores.View, sorted.ClassIds.View, perPicture, settings.NmsThreshold);
        return BestOfPicture.Take(device, sorted, batch, perPicture, settings.DetectionsPerPicture);
    }

    /// <summary>One thread = a few selected (anchor, class) pairs: the decoded and clipped box, and the score if there is one.</summary>
    internal static void DecodeKernel(
        Index1D index, Outputs output, Chosen chosen, AnchorGrids grids, ArrayView<ResizedPicture> pictures, BoxWeights weights,
        Sizes sizes, Grain grain, Candidates candidates)
    {
        int first = index * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Total);
        for (var i = first; i < end; i++)
        {
            var list = i / sizes.Capacity;
            candidates.Scores[i] = NonMaximumSuppression.Dropped;
            if (i % sizes.Capacity >= chosen.Counts[list])
                continue;
            var pair = chosen.Indices[i];
            var anchorIndex = pair / sizes.Classes;
            var level = list % sizes.Levels;
            var picture = pictures[list / sizes.Levels];
            var anchor = Anchors.At(anchorIndex, grids.Cells, grids.Levels[level], level, sizes.AnchorsPerLocation);
            var box = BoxCoding.Decode(anchor, output.Deltas, output.DeltaSegments[list].First + anchorIndex * 4, weights);
            candidates.Boxes[i] = BoxCoding.Clip(box, picture.ResizedW, picture.ResizedH);
            candidates.ClassIds[i] = pair % sizes.Classes;
            candidates.Scores[i] = Sigmoid.Of(output.Logits[output.LogitSegments[list].First + pair]);
        }
    }

    /// <summary>One thread = a few places of the sorted lists; places after the last candidate stay empty.</summary>
    internal static void SortKernel(
        Index1D index, Candidates found, ArrayView<int> order, ArrayView<int> counts, int perPicture, int total, Grain grain,
        Candidates sorted)
    {
        int first = index * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, total);
        for (var i = first; i < end; i++)
        {
            var n = i / perPicture;
            sorted.Scores[i] = NonMaximumSuppression.Dropped;
            if (i % perPicture >= counts[n])
                continue;
            var from = n * perPicture + order[i];
            sorted.Boxes[i] = found.Boxes[from];
            sorted.ClassIds[i] = found.ClassIds[from];
            sorted.Scores[i] = found.Scores[from];
        }
    }

    /// <summary>The logit of a probability: sigmoid(x) &gt; p exactly where x &gt; log(p / (1 − p)).</summary>
    public static float Logit(float probability) => MathF.Log(probability / (1 - probability));

    internal readonly record struct Outputs(
        ArrayView<float> Logits, ArrayView<Segment> LogitSegments, ArrayView<float> Deltas, ArrayView<Segment> DeltaSegments);

    internal readonly record struct Chosen(ArrayView<int> Indices, ArrayView<int> Counts);

    internal readonly record struct Sizes(int Levels, int AnchorsPerLocation, int Classes, int Capacity, int Total);
}
