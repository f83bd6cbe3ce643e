using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>The settings of the step from RPN outputs to proposals.</summary>
/// <param name="PreNmsTopN">The most proposals per level before NMS.</param>
/// <param name="PostNmsTopN">The most proposals per picture after NMS.</param>
/// <param name="NmsThreshold">The IoU threshold of NMS, 0…1.</param>
/// <param name="ScoreThreshold">The objectness below which a proposal is dropped, 0…1.</param>
internal sealed record ProposalSettings(int PreNmsTopN, int PostNmsTopN, float NmsThreshold, float ScoreThreshold);

/// <summary>
/// Turns the RPN's outputs into proposals (Faster R-CNN, section 3.1, on every level of the pyramid): selects the best anchors of
/// each level, decodes and clips their boxes, runs NMS within each level, and keeps the best of all levels. Nothing is copied to the
/// host, not even the number of proposals.
/// </summary>
internal static class Proposals
{
    /// <summary>torchvision drops boxes with a side below 1e-3 px, that is, boxes that clipping has reduced to nothing.</summary>
    public const float SmallestSidePx = 1e-3f;

    /// <summary>Runs all steps.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="rpn">The RPN's outputs.</param>
    /// <param name="anchors">The anchors.</param>
    /// <param name="inputH">Height of the padded input, in px.</param>
    /// <param name="inputW">Width of the padded input, in px.</param>
    /// <param name="pictures">The size of each picture, [N].</param>
    /// <param name="settings">Counts and thresholds.</param>
    /// <returns>The proposals, picture after picture, each picture's best first; the caller disposes them.</returns>
    public static RoiSet Find(
        Device device, RpnOutput rpn, Anchors anchors, int inputH, int inputW, ArrayView<ResizedPicture> pictures,
        ProposalSettings settings)
    {
        using var candidates = Decode(device, rpn, anchors, inputH, inputW, pictures, settings);
        Suppress(device, candidates, settings);
        return Best(device, candidates, (int)pictures.Length, settings.PostNmsTopN);
    }

    /// <summary>Selects the best anchors of each level, and decodes and clips their boxes; the caller disposes them.</summary>
    public static ProposalCandidates Decode(
        Device device, RpnOutput rpn, Anchors anchors, int inputH, int inputW, ArrayView<ResizedPicture> pictures,
        ProposalSettings settings)
    {
        var batch = (int)pictures.Length;
        var grids = anchors.Grids(rpn.Objectness.Shapes, inputH, inputW);
        var largest = grids.Max(g => g.H * g.W) * anchors.PerLocation;
        var capacity = Math.Min(settings.PreNmsTopN, largest);
        var count = batch * grids.Length;

        using var levels = device.Upload<AnchorLevel>(grids);
        using var segments = device.Upload<Segment>(rpn.Objectness.LevelSegments(batch));
        var indices = device.Rent<int>((long)count * capacity);
        var counts = device.Rent<int>(count);
        TopK.Run(
            device, rpn.Objectness.Values.View, segments.View, largest, capacity, float.NegativeInfinity, indices.View, counts.View);

        var boxes = device.Rent<Box>((long)count * capacity);
        var scores = device.Rent<float>((long)count * capacity);
        var sizes = new Sizes(grids.Length, anchors.PerLocation, capacity, checked(count * capacity), settings.ScoreThreshold);
        var grain = Grain.For(device, sizes.Total, 1);
        device.Launch(
            DecodeKernel, grain.Threads(sizes.Total, 1), new Outputs(rpn.Objectness.Values.View, rpn.Deltas.Values.View, segments.View),
            new AnchorGrids(anchors.CellView, levels.View), pictures, indices.View, counts.View, sizes, grain, boxes.View, scores.View);
        return new ProposalCandidates(indices, counts, boxes, scores, capacity, grids.Length);
    }

    /// <summary>Runs NMS within each level of each picture; suppressed boxes lose their score.</summary>
    public static void Suppress(Device device, ProposalCandidates candidates, ProposalSettings settings)
        => NonMaximumSuppression.Run(
            device, candidates.Boxes.View, candidates.Counts.View, candidates.Scores.View, candidates.Capacity, settings.NmsThreshold);

    /// <summary>Keeps the best candidates of each picture over all levels; the caller disposes them.</summary>
    public static RoiSet Best(Device device, ProposalCandidates candidates, int batch, int postNmsTopN)
        => Best(device, batch, candidates.Levels * candidates.Capacity, candidates.Boxes.View, candidates.Scores.View, postNmsTopN);

    /// <summary>One thread = a few of the selected anchors: the decoded and clipped box, and the score if there is one.</summary>
    internal static void DecodeKernel(
        Index1D index, Outputs rpn, AnchorGrids grids, ArrayView<ResizedPicture> pictures, ArrayView<int> indices, ArrayView<int> counts,
        Sizes sizes, Grain grain, ArrayView<Box> boxes, ArrayView<float> scores)
    {
        int first = index * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Total);
        for (var i = first; i < end; i++)
        {
            var s = i / sizes.Capacity;
            scores[i] = NonMaximumSuppression.Dropped;
            if (i % sizes.Capacity >= counts[s])
                continue;
            var level = s % sizes.Levels;
            var picture = pictures[s / sizes.Levels];
            var at = rpn.Segments[s].First + indices[i];
            var anchor = Anchors.At(indices[i], grids.Cells, grids.Levels[level], level, sizes.AnchorsPerLocation);
            var box = BoxCoding.Decode(anchor, rpn.Deltas, at * 4, new BoxWeights(1, 1, 1, 1));
            box = BoxCoding.Clip(box, picture.ResizedW, picture.ResizedH);
            var score = Sigmoid.Of(rpn.Objectness[at]);
            boxes[i] = box;
            if (box.Width >= SmallestSidePx && box.Height >= SmallestSidePx && score >= sizes.ScoreThreshold)
                scores[i] = score;
        }
    }

    /// <summary>One thread = one proposal slot of a picture: copies the proposal to its place among those of all pictures.</summary>
    internal static void GatherKernel(
        Index1D index, ArrayView<Box> boxes, ArrayView<float> scores, ArrayView<int> indices, ArrayView<int> counts, Places places,
        Rois rois)
    {
        var n = index / places.Capacity;
        var rank = index % places.Capacity;
        var before = 0;
        for (var i = 0; i < n; i++)
            before += counts[i];
        if (rank < counts[n])
        {
            var from = n * places.PerPicture + indices[index];
            rois.Boxes[before + rank] = boxes[from];
            rois.Scores[before + rank] = scores[from];
            rois.Pictures[before + rank] = n;
        }
        if (index == (int)counts.Length * places.Capacity - 1)
            rois.Total[0] = before + counts[n];
    }

    private static RoiSet Best(
        Device device, int batch, int perPicture, ArrayView<Box> boxes, ArrayView<float> scores, int postNmsTopN)
    {
        var capacity = Math.Min(postNmsTopN, perPicture);
        var list = new RoiSet(device, batch, capacity);
        using var segments = device.Upload<Segment>(Segment.OfPictures(batch, perPicture));
        using var indices = device.Rent<int>((long)batch * capacity);
        TopK.Run(
            device, scores, segments.View, perPicture, capacity, NonMaximumSuppression.Dropped / 2, indices.View, list.PerPicture.View);
        device.Launch(
            GatherKernel, batch * capacity, boxes, scores, indices.View, list.PerPicture.View, new Places(perPicture, capacity), list.View);
        return list;
    }

    internal readonly record struct Outputs(ArrayView<float> Objectness, ArrayView<float> Deltas, ArrayView<Segment> Segments);

    internal readonly record struct Sizes(int Levels, int AnchorsPerLocation, int Capacity, int Total, float ScoreThreshold);

    internal readonly record struct Places(int PerPicture, int Capacity);
}

/// <summary>The best anchors of each level of each picture, S segments of M places, before and after NMS.</summary>
/// <param name="Indices">[S, M]: the index of the anchor in its level, best first.</param>
/// <param name="Counts">[S]: how many places are taken.</param>
/// <param name="Boxes">[S, M]: the decoded and clipped boxes, in input px.</param>
/// <param name="Scores">[S, M]: objectness, 0…1; negative where there is no candidate.</param>
/// <param name="Capacity">M.</param>
/// <param name="Levels">The number of levels of a picture.</param>
internal readonly record struct ProposalCandidates(
    DeviceArray<int> Indices, DeviceArray<int> Counts, DeviceArray<Box> Boxes, DeviceArray<float> Scores, int Capacity, int Levels)
    : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Indices.Dispose();
        Counts.Dispose();
        Boxes.Dispose();
        Scores.Dispose();
    }
}
