using System.Globalization;
using System.Text;

using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Cli;

/// <summary>The sentences, tables and maps that fill a page's blanks.</summary>
internal static class PageSections
{
    private const int StrongestChannels = 6;

    public static IEnumerable<KeyValuePair<string, string>> Of(ExplainedDetection explained)
    {
        var (trace, c) = (explained.Trace, explained.Detector.Configuration);
        var levels = Enumerable.Range(trace.Pyramid.Finest, trace.Pyramid.Count).ToList();
        var weights = c.BoxWeights;
        return new Dictionary<string, string>
        {
            ["picture-name"] = ExplainPage.Text(explained.Name),
            ["model"] = ExplainPage.Text(explained.Model),
            ["device"] = ExplainPage.Text(explained.Device),
            ["diagram"] = PageDiagram.Of(trace),
            ["picture"] = MapPicture.Photograph(explained.Input()),
            ["input-sentence"] = InputSentence(explained),
            ["input-table"] = InputTable(explained),
            ["divisor"] = Number(c.SizeDivisor),
            ["backbone"] = ExplainPage.Text(explained.Detector.Backbone.Description),
            ["bottom-up-table"] = BottomUpTable(explained),
            ["bottom-up-maps"] = string.Concat(trace.BottomUp.Index().Select(own => Strongest($"C{trace.BottomUp.Finest + own.Index}", own.Item))),
            ["channels"] = Number(trace.Pyramid[levels[0]].Channels),
            ["merge-sentence"] = MergeSentence(trace),
            ["merge-channels"] = MergeChannels(explained.Channels),
            ["merge-maps"] = string.Concat(explained.Channels.Index().Select(own => Merges(trace, own.Item, isHidden: own.Index > 0))),
            ["parts"] = Parts(trace, explained.Channels[0]),
            ["masks"] = Masks(explained),
            ["extra-sentence"] = ExplainPage.Text(levels[^1] == trace.TopDown.Coarsest + 1
                ? (FormattableString)$"P{levels[^1]} has no C map beneath; it serves the RPN only."
                : $"P{trace.TopDown.Coarsest + 1} and up have no C map beneath; they serve the RPN only."),
            ["pyramid-table"] = PyramidTable(explained, levels),
            ["pyramid-maps"] = PyramidMaps(trace, explained.Channels[0], levels),
            ["objectness-maps"] = ObjectnessMaps(explained, levels),
            ["pre-nms"] = Number(c.RpnPreNmsTopN),
            ["post-nms"] = Number(c.RpnPostNmsTopN),
            ["bins"] = Number(trace.Bins),
            ["channel"] = Number(explained.Channels[0]),
            ["objects-sentence"] = ExplainPage.Text(
                $"Of {trace.Rois.Count} RoIs, the device made {trace.ClassBoxes.Count} boxes with a score above {explained.Detector.ScoreThreshold}, and {trace.Objects.Count} objects."),
            ["timeline"] = Launches(explained),
            ["weight-x"] = Number(weights[0]),
            ["weight-w"] = Number(weights[2]),
        };
    }

    private static string InputSentence(ExplainedDetection explained)
    {
        var (input, resized) = (explained.Trace.Input, explained.Trace.Resized);
        var before = resized == (explained.Picture.Width, explained.Picture.Height) ? "keeps its size" : $"is resized to {resized.Width} × {resized.Height} px";
        var after = resized == (input.Width, input.Height) ? "needs no padding" : $"padded with zeros to {input.Width} × {input.Height} px";
        return ExplainPage.Text($"The picture of {explained.Picture.Width} × {explained.Picture.Height} px {before} (shorter side {explained.Detector.Configuration.MinSize} px, longer side at most {explained.Detector.Configuration.MaxSize} px), is normalised channel by channel, and {after}. This is what the network sees:");
    }

    private static string InputTable(ExplainedDetection explained)
    {
        var c = explained.Detector.Configuration;
        return Table(["channel", "mean μ", "deviation σ", "least input", "largest input"], Enumerable.Range(0, 3).Select(i =>
        {
            var own = explained.Trace.Input.Values.Where((_, at) => at % 3 == i);
            return new[] { c.Bgr ? "bgr"[i..(i + 1)] : "rgb"[i..(i + 1)], Number(c.Mean[i], 3), Number(c.Std[i], 3), Number(own.Min(), 3), Number(own.Max(), 3) };
        }));
    }

    private static string BottomUpTable(ExplainedDetection explained)
    {
        var maps = explained.Trace.BottomUp;
        var fields = explained.Detector.Backbone is ResNet resNet ? resNet.ReceptiveFieldsPx.ToList() : null;
        return Table(["map", "size", "channels", "stride, px", "receptive field, px", "zeros"], maps.Index().Select(own => new[]
        {
            $"C{maps.Finest + own.Index}", $"{own.Item.Width} × {own.Item.Height}", Number(own.Item.Channels), Number(own.Item.StridePx),
            fields is null ? "" : $"{fields[own.Index]} × {fields[own.Index]}",
            Percent(own.Item.Values.Count(v => v == 0) / (double)own.Item.Values.Length),
        }));
    }

    private static string Strongest(string name, TracedMap map)
    {
        var means = Enumerable.Range(0, map.Channels).Select(c => Channel(map, c).Average()).ToArray();
        var figures = Enumerable.Range(0, map.Channels).OrderByDescending(c => means[c]).Take(StrongestChannels).Select(c =>
        {
            var most = Channel(map, c).Max();
            return Figure(
                MapPicture.FromZero(map, (y, x) => map[y, x, c], Math.Max(most, 1e-9f)), map, $"Channel {c} of {name}",
                $"{name}, channel {c}, up to {Number(most, 2)}");
        });
        return $"<div class=\"maps\">{string.Concat(figures)}</div>";
    }

    private static string MergeSentence(DetectionTrace trace)
    {
        var merges = trace.TopDown.Where(merge => merge.Upsampled is not null).ToList();
        var equal = merges.Sum(m => m.Lateral.Values.Zip(m.Upsampled!.Values, (l, u) => l + u).Zip(m.Merged.Values, (sum, merged) => sum == merged ? 1 : 0).Sum());
        return ExplainPage.Text($"Checked when this page was made: L + U = M exactly, bit by bit, for {equal} of {merges.Sum(m => m.Merged.Values.Length)} values.");
    }

    private static string MergeChannels(IReadOnlyList<int> channels)
        => "<fieldset><legend>Channel (those that vary most)</legend>" + string.Concat(channels.Select((channel, i) =>
            $"<label><input type=\"radio\" name=\"channel\" value=\"{channel}\"{(i == 0 ? " checked" : "")}> {channel} </label>")) + "</fieldset>";

    private static string Merges(DetectionTrace trace, int channel, bool isHidden)
    {
        var html = new StringBuilder($"<div data-channel=\"{channel}\"{(isHidden ? " hidden" : "")}>");
        for (var l = trace.TopDown.Coarsest; l >= trace.TopDown.Finest; l--)
        {
            var (lateral, upsampled, merged, _, _) = trace.TopDown[l];
            var level = trace.Pyramid[l];
            TracedMap?[] row = [lateral, upsampled, merged, level];
            var most = row.Max(map => map is null ? 0 : Channel(map, channel).Max(Math.Abs));
            html.Append(CultureInfo.InvariantCulture, $"<h3>Level {l}, {level.Width} × {level.Height}, from −{Number(most, 2)} to {Number(most, 2)}</h3><div class=\"four\">");
            html.Append(Map(lateral, $"L{l}", $"L{l}: lateral of C{l}"));
            html.Append(upsampled is null ? "<p>The top has nothing to upsample: M is the lateral itself.</p>" : Map(upsampled, $"U{l}", $"U{l}: M{l + 1}, repeated"));
            html.Append(Map(merged, $"M{l}", upsampled is null ? $"M{l} = L{l}" : $"M{l} = L{l} + U{l}"));
            html.Append(Map(level, $"P{l}", $"P{l}: after the 3×3"));
            html.Append("</div>");

            string Map(TracedMap map, string name, string caption)
                => Figure(MapPicture.AroundZero(map, channel, Math.Max(most, 1e-9f)), map, $"Channel {channel} of {name}", caption);
        }
        return html.Append("</div>").ToString();
    }

    // What each part of the pathway contributes, on one scale a level.
    private static string Parts(DetectionTrace trace, int channel)
    {
        var html = new StringBuilder();
        for (var l = trace.TopDown.Coarsest - 1; l >= trace.TopDown.Finest; l--)
        {
            var merge = trace.TopDown[l];
            (TracedMap Map, string Name)[] row =
                [(trace.Pyramid[l], "whole"), (merge.WithoutTopDown, "without top-down"), (merge.WithoutLateral, "without laterals"), (merge.Merged, "without the 3×3")];
            var most = Math.Max(row.Max(own => Channel(own.Map, channel).Max(Math.Abs)), 1e-9f);
            html.Append("<div class=\"four\">").AppendJoin("", row.Select(own => Figure(
                MapPicture.AroundZero(own.Map, channel, most), own.Map, $"Channel {channel} of P{l}, {own.Name}", $"P{l}, {own.Name}"))).Append("</div>");
        }
        return html.ToString();
    }

    private static string Masks(ExplainedDetection explained)
    {
        if (!explained.Trace.Objects.Any(found => found.Mask is not null))
            return "";
        return "<h3>Masks</h3><p>" + ExplainPage.Text(
            $"A mask head computed {2 * MaskRcnn.Bins} × {2 * MaskRcnn.Bins} probabilities for each object from RoI features of {MaskRcnn.Bins} × {MaskRcnn.Bins} bins; they are pasted into its box, and a pixel belongs to the object where they reach {explained.Detector.Configuration.MaskThreshold}. The {explained.ShownObjects.Count} objects with a score of {ExplainedDetection.LeastShown} or more:")
            + $"</p><img class=\"picture\" alt=\"The picture with its masks\" src=\"{MapPicture.Photograph(explained.Drawn())}\">";
    }

    private static string Launches(ExplainedDetection explained)
        => explained.Timeline is not { } timeline
            ? "<p>The times were left out (<code>--no-times</code>).</p>"
            : $"<p>{PageTimeline.Sentence(timeline, explained.Device)}</p>{PageTimeline.Drawing(timeline)}<div class=\"wide\" id=\"launches\">"
                + Table(["stage", "kernel", "launches", "threads of the largest", "ms", "MB", "GFLOP", "of the peak"], PageTimeline.Rows(timeline)) + "</div>";

    private static string PyramidTable(ExplainedDetection explained, List<int> levels)
    {
        var trace = explained.Trace;
        var perCell = explained.Detector.Anchors.PerLocation;
        return Table(
            ["level", "size", "channels", "stride, px", "values", "anchors", "anchor sizes, px", "RoIs read from it"],
            levels.Select((level, i) =>
            {
                var map = trace.Pyramid[level];
                return new[]
                {
                    $"P{level}", $"{map.Width} × {map.Height}", Number(map.Channels), Number(map.StridePx), Number(map.Values.Length),
                    Number(map.Width * map.Height * perCell), string.Join(", ", explained.Detector.Configuration.AnchorSizes[i].Select(size => Number(size))),
                    level > trace.TopDown.Coarsest ? "none" : Number(trace.Rois.Count(roi => roi.Level == level)),
                };
            }));
    }

    private static string PyramidMaps(DetectionTrace trace, int channel, List<int> levels)
    {
        var figures = levels.Select(level =>
        {
            var map = trace.Pyramid[level];
            var most = Math.Max(Channel(map, channel).Max(Math.Abs), 1e-9f);
            return Figure(
                MapPicture.AroundZero(map, channel, most), map, $"Channel {channel} of P{level}",
                $"P{level}, ±{Number(most, 2)}");
        });
        return $"<p>Channel {channel} on all levels, each on its own scale:</p><div class=\"levels\">{string.Concat(figures)}</div>";
    }

    private static string ObjectnessMaps(ExplainedDetection explained, List<int> levels)
    {
        var c = explained.Detector.Configuration;
        var perRatio = c.AnchorSizes[0].Length;
        return string.Concat(Enumerable.Range(0, explained.Detector.Anchors.PerLocation).Select(a =>
        {
            var ratio = c.AspectRatios[a / perRatio];
            var figures = levels.Select((level, i) =>
            {
                var map = explained.Trace.Objectness[level];
                var name = PageData.AnchorName(c.AnchorSizes[i][a % perRatio], ratio);
                return Figure(
                    MapPicture.FromZero(map, (y, x) => Sigmoid.Of(map[y, x, a]), 1), map, $"Objectness on P{level} of anchors of {name}",
                    FormattableString.Invariant($"P{level}, {c.AnchorSizes[i][a % perRatio]} px: up to {Sigmoid.Of(Channel(map, a).Max()):F2}"));
            });
            return FormattableString.Invariant($"<h3>Height / width = {ratio}</h3><div class=\"levels\">") + string.Concat(figures) + "</div>";
        }));
    }

    private static IEnumerable<float> Channel(TracedMap map, int channel)
    {
        for (var i = channel; i < map.Values.Length; i += map.Channels)
            yield return map.Values[i];
    }

    private static string Figure(string uri, TracedMap map, string alternative, string caption)
        => $"<figure><img src=\"{uri}\" width=\"{map.Width}\" height=\"{map.Height}\" alt=\"{ExplainPage.Text(alternative)}\"><figcaption>{ExplainPage.Text(caption)}</figcaption></figure>";

    private static string Table(string[] head, IEnumerable<string[]> rows)
        => $"<table><thead>{Row(head, "th")}</thead><tbody>{string.Concat(rows.Select(row => Row(row, "td")))}</tbody></table>";

    private static string Row(string[] cells, string tag)
        => $"<tr>{string.Concat(cells.Select(cell => $"<{tag}>{ExplainPage.Text(cell)}</{tag}>"))}</tr>";

    private static string Number(double value, int decimals = 0)
        => decimals == 0 ? value.ToString("0.##", CultureInfo.InvariantCulture) : value.ToString($"F{decimals}", CultureInfo.InvariantCulture);

    private static string Percent(double part) => (100 * part).ToString("F0", CultureInfo.InvariantCulture) + " %";
}
