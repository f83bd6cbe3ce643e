using System.Runtime.InteropServices;
using System.Text.Json;

using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// The numbers that a page's script computes with, as JSON. Arrays are base64 of little-endian float32 or int32: exact, and short. The
/// serializer escapes what would end a script element.
/// </summary>
internal static class PageData
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static string Of(ExplainedDetection explained)
    {
        var (trace, c) = (explained.Trace, explained.Detector.Configuration);
        var finest = trace.Pyramid.Finest;
        var (channel, shown) = (explained.Channels[0], explained.ShownRois);
        var proposalOf = trace.Proposals.Index().Where(p => p.Item.Roi is not null).ToDictionary(p => p.Item.Roi!.Value, p => p.Index);
        (int Level, int Y, int X)[] cells = [.. trace.Proposals.Select(p => (p.Level, p.Y, p.X)).Distinct().Order()];
        var anchors = explained.Detector.Anchors;
        var grids = anchors.Grids(
            [.. trace.Pyramid.Select(map => new Shape(1, map.Height, map.Width, map.Channels))], trace.Input.Height, trace.Input.Width);
        int[] scored = [.. trace.ClassBoxes.Select(box => box.Roi).Distinct().Order()];
        var binned = trace.Bins * trace.Bins;
        var d = trace.Pyramid[finest].Channels;
        var data = new
        {
            Input = new[] { trace.Input.Width, trace.Input.Height },
            Resized = new[] { trace.Resized.Width, trace.Resized.Height },
            Finest = finest,
            Pyramid = Enumerable.Range(finest, trace.Pyramid.Count).Select(level => new { level }),
            explained.Detector.Classes,
            Rpn = new { Nms = c.RpnNmsThreshold, Score = c.RpnScoreThreshold, Most = c.RpnPostNmsTopN },
            Box = new
            {
                Nms = c.BoxNmsThreshold,
                Score = explained.Detector.ScoreThreshold,
                Shown = Math.Max(ExplainedDetection.LeastShown, explained.Detector.ScoreThreshold),
                Most = c.BoxDetectionsPerImage,
                Weights = c.BoxWeights,
            },
            Roi = new
            {
                K0 = c.RoiCanonicalLevel,
                S0 = c.RoiCanonicalSide,
                Epsilon = c.RoiLevelEpsilon,
                Finest = trace.TopDown.Finest,
                Coarsest = trace.TopDown.Coarsest,
                trace.Bins,
                Sampling = c.RoiSamplingRatio,
                Aligned = c.RoiAligned,
            },
            Channel = channel,
            Proposals = new
            {
                trace.Proposals.Count,
                Boxes = Boxes(trace.Proposals.Select(p => (p.BoxInputPx, p.Score))),
                Own = Base64<int>(trace.Proposals.SelectMany(p => new[]
                {
                    p.Level, p.Y, p.X, p.Anchor, (p.IsCandidate ? 1 : 0) + (p.IsKept ? 2 : 0), p.Roi ?? -1,
                })),
            },
            Rois = new
            {
                trace.Rois.Count,
                Boxes = Boxes(trace.Rois.Select(r => (r.BoxInputPx, r.Objectness))),
                Own = Base64<int>(trace.Rois.Index().SelectMany(r => new[] { r.Item.Level, proposalOf[r.Index] })),
            },
            ClassBoxes = new
            {
                trace.ClassBoxes.Count,
                // A box without a size is no candidate, and has no score.
                Boxes = Boxes(trace.ClassBoxes.Select(b => (b.BoxInputPx, b.Score))),
                Own = Base64<int>(trace.ClassBoxes.SelectMany(b => new[] { b.Roi, b.ClassId, (b.IsCandidate ? 1 : 0) + (b.IsKept ? 2 : 0) })),
                Deltas = Base64<float>(trace.ClassBoxes.SelectMany(b => trace.Rois[b.Roi].Deltas.AsSpan(4 * b.ClassId, 4).ToArray())),
            },
            Scores = new { Rois = Base64<int>(scored), Values = Base64<float>(scored.SelectMany(r => trace.Rois[r].Scores)) },
            Objects = trace.Objects.Zip(explained.ObjectBoxes).Select(o => new { Id = o.First.ClassId, o.First.Label, o.First.Score, o.Second.Roi }),
            Cells = new
            {
                Count = cells.Length,
                Own = Base64<int>(cells.SelectMany(cell => new[] { cell.Level, cell.Y, cell.X })),
                Deltas = Base64<float>(cells.SelectMany(cell => At(trace.AnchorDeltas[cell.Level], cell.Y, cell.X))),
                Logits = Base64<float>(cells.SelectMany(cell => At(trace.Objectness[cell.Level], cell.Y, cell.X))),
            },
            Anchors = new
            {
                PerCell = anchors.PerLocation,
                Corners = Base64<float>(anchors.DownloadCells()),
                Strides = grids.Select(grid => new[] { grid.StrideY, grid.StrideX }),
                Names = c.AnchorSizes.Select(sizes => c.AspectRatios.SelectMany(ratio => sizes.Select(size => AnchorName(size, ratio)))),
            },
            Shown = new
            {
                Rois = Base64<int>(shown),
                Features = Base64<float>(shown.SelectMany(r => Enumerable.Range(0, binned).Select(bin => trace.RoiFeatures[(r * binned + bin) * d + channel]))),
            },
            Maps = Enumerable.Range(trace.TopDown.Finest, trace.TopDown.Count).Select(level => (Level: level, Map: trace.Pyramid[level])).Select(own => new
            {
                own.Level,
                W = own.Map.Width,
                H = own.Map.Height,
                Stride = own.Map.StridePx,
                Values = Base64<float>(Enumerable.Range(0, own.Map.Height * own.Map.Width).Select(i => own.Map.Values[i * d + channel])),
            }),
        };
        return JsonSerializer.Serialize(data, Options);
    }

    /// <summary>An anchor's size and ratio, for readers.</summary>
    public static string AnchorName(float size, float ratio) => FormattableString.Invariant($"{size} px, {ratio}");

    private static float[] At(TracedMap map, int y, int x) => map.Values[((y * map.Width + x) * map.Channels)..((y * map.Width + x + 1) * map.Channels)];

    private static string Boxes(IEnumerable<(Box Box, float Score)> boxes)
        => Base64<float>(boxes.SelectMany(b => new[] { b.Box.X1, b.Box.Y1, b.Box.X2, b.Box.Y2, b.Score }));

    private static string Base64<T>(IEnumerable<T> values)
        where T : unmanaged
        => Convert.ToBase64String(MemoryMarshal.AsBytes<T>(values.ToArray()));
}
