using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Detection;

/// <summary>Runs a Faster R-CNN on one picture and copies every stage to the host: the same kernels in the same order as a detection.</summary>
internal static class DetectionTracing
{
    /// <summary>The RPN's part of a trace.</summary>
    /// <param name="rpn">The RPN.</param>
    /// <param name="anchors">Its anchors.</param>
    /// <param name="output">What its head has predicted.</param>
    /// <param name="batch">The input of one picture.</param>
    /// <param name="device">The device.</param>
    /// <returns>The proposals, and the regions of interest on the device, which the caller disposes.</returns>
    public static (List<TracedProposal> Proposals, RoiSet Rois) Propose(
        RegionProposalNetwork rpn, Anchors anchors, RpnOutput output, InputBatch batch, Device device)
    {
        using var candidates = rpn.Candidates(output, batch);
        var (indices, counts, boxes, before) = (
            candidates.Indices.Download(), candidates.Counts.Download(), candidates.Boxes.Download(), candidates.Scores.Download());
        var logits = output.Objectness.Values.Download();
        Proposals.Suppress(device, candidates, rpn.Settings);
        var after = candidates.Scores.Download();
        var rois = Proposals.Best(device, candidates, 1, rpn.Settings.PostNmsTopN);

        // Best first, equal scores in the order of their places: as the device ranks them.
        int[] ranked = [.. Enumerable.Range(0, after.Length).Where(i => IsTaken(i) && after[i] >= 0).OrderByDescending(i => after[i])];
        var roiOf = ranked.Take(rois.Total.Download()[0]).Index().ToDictionary(own => own.Item, own => own.Index);

        var cells = anchors.DownloadCells();
        var grids = anchors.Grids(output.Objectness.Shapes, batch.Input.Shape.H, batch.Input.Shape.W);
        var segments = output.Objectness.LevelSegments(1);
        List<TracedProposal> proposals = [.. Enumerable.Range(0, after.Length).Where(IsTaken).Select(Proposal)];
        return (proposals, rois);

        bool IsTaken(int i) => i % candidates.Capacity < counts[i / candidates.Capacity];

        TracedProposal Proposal(int i)
        {
            var (level, index) = (i / candidates.Capacity, indices[i]);
            var grid = grids[level];
            var (cell, anchor) = (index / anchors.PerLocation, index % anchors.PerLocation);
            var (y, x) = (cell / grid.W, cell % grid.W);
            return new TracedProposal(
                output.Objectness.Finest + level, y, x, anchor, AnchorAt(cells, level * anchors.PerLocation + anchor, y * grid.StrideY, x * grid.StrideX),
                // What is no candidate has no score on the device.
                boxes[i], before[i] >= 0 ? before[i] : Sigmoid.Of(logits[segments[level].First + index]), before[i] >= 0, after[i] >= 0,
                roiOf.TryGetValue(i, out var roi) ? roi : null);
        }
    }

    /// <summary>The boxes of all classes, before and after NMS.</summary>
    /// <param name="lists">The candidates of each class of one picture.</param>
    /// <param name="probabilities">The probability of each class of each RoI, [R, classes].</param>
    /// <param name="suppress">Runs NMS.</param>
    public static List<TracedClassBox> ClassBoxes(ClassCandidates lists, float[] probabilities, Action suppress)
    {
        var (indices, counts, boxes, before, classes) = (
            lists.Indices.Download(), lists.Counts.Download(), lists.Candidates.Boxes.Download(), lists.Candidates.Scores.Download(),
            lists.Candidates.ClassIds.Download());
        suppress();
        var after = lists.Candidates.Scores.Download();
        return [.. Enumerable.Range(0, after.Length).Where(i => i % lists.Capacity < counts[i / lists.Capacity]).Select(i =>
            new TracedClassBox(
                indices[i], classes[i], probabilities[indices[i] * (lists.Classes + 1) + classes[i]], boxes[i], before[i] >= 0, after[i] >= 0))];
    }

    /// <summary>Copies the maps of all levels.</summary>
    public static Levels<TracedMap> Maps(FeatureMaps maps, int inputH)
        => new(maps.Finest, [.. Enumerable.Range(maps.Finest, maps.Count).Select(l => Map(maps[l], inputH))]);

    /// <summary>Copies a map of one picture.</summary>
    /// <param name="map">The map, [1, H, W, C].</param>
    /// <param name="inputH">The height of the network's input, in px.</param>
    public static TracedMap Map(Variable map, int inputH) => Map(map.Value, inputH);

    /// <summary>Copies a map of one picture.</summary>
    public static TracedMap Map(Tensor map, int inputH)
    {
        var shape = map.Shape;
        // As for RoI features, a stride is a power of 2, also where a map's side is odd.
        var stride = (int)MathF.Pow(2, MathF.Round(MathF.Log2((float)inputH / shape.H)));
        return new TracedMap(shape.H, shape.W, shape.C, stride, map.ToArray());
    }

    /// <summary>Computes the merges of the top-down pathway, and copies them.</summary>
    /// <param name="pyramid">The pyramid.</param>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="bottomUp">The backbone's maps; the caller keeps them.</param>
    /// <param name="inputH">The height of the network's input, in px.</param>
    public static Levels<TracedMerge> Merges(FeaturePyramid pyramid, Tape tape, Levels<Variable> bottomUp, int inputH)
    {
        var merges = pyramid.Merges(tape, bottomUp);
        var parts = pyramid.Parts(tape, merges);
        var traced = merges.Select((l, merge) => new TracedMerge(
            Map(merge.Lateral, inputH), merge.Upsampled is { } upsampled ? Map(upsampled, inputH) : null, Map(merge.Merged, inputH),
            Map(parts[l].WithoutTopDown, inputH), Map(parts[l].WithoutLateral, inputH)));
        foreach (var merge in merges)
            merge.Dispose();
        foreach (var (withoutTopDown, withoutLateral) in parts)
        {
            withoutTopDown.Dispose();
            withoutLateral.Dispose();
        }
        return traced;
    }

    private static Box AnchorAt(float[] cells, int cell, float y, float x)
        => new(cells[cell * 4] + x, cells[cell * 4 + 1] + y, cells[cell * 4 + 2] + x, cells[cell * 4 + 3] + y);
}
