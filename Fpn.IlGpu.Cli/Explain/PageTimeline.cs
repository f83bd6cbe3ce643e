using System.Globalization;
using System.Text;

using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Cli;

/// <summary>The launches of a detection as a drawing with a row for each stage, and as a table with a row for each kernel of a stage.</summary>
internal static class PageTimeline
{
    private const int NameWidth = 120;
    private const int Width = 900;
    private const int RowHeight = 24;

    public static string Sentence(Timeline timeline, string device)
    {
        var launches = timeline.Launches;
        var rate = 2 * launches.Sum(launch => launch.MultiplyAdds) / launches.Sum(launch => launch.Time.TotalSeconds);
        return ExplainPage.Text(
            $"{launches.Count} launches took {Ms(launches)} ms on {device} (the median of {Timeline.Runs} runs for each), the host waiting after each one. Convolutions and matrix products ran at {rate / 1e9:F0} of the device’s {timeline.PeakFlops / 1e9:F0} GFLOP/s, which a kernel of multiply-adds without loads reaches.");
    }

    /// <summary>The drawing as inline SVG.</summary>
    public static string Drawing(Timeline timeline)
    {
        var stages = Stages(timeline);
        var scale = (Width - NameWidth) / timeline.Launches.Sum(launch => launch.Time.TotalMilliseconds);
        var svg = new StringBuilder(string.Create(
            CultureInfo.InvariantCulture,
            $"<svg class=\"timeline\" viewBox=\"0 0 {Width} {stages.Count * RowHeight + 4}\" role=\"img\" aria-label=\"The launches one after the other, from left to right, in a row for each stage; the table has the numbers.\">"));
        double at = 0;
        foreach (var (row, (stage, launches)) in stages.Index())
        {
            var y = row * RowHeight + 2;
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"0\" y=\"{y + 15}\">{ExplainPage.Text(stage)}</text>");
            foreach (var launch in launches)
            {
                var ms = launch.Time.TotalMilliseconds;
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<rect x=\"{NameWidth + at * scale:F1}\" y=\"{y}\" width=\"{Math.Max(0.4, ms * scale):F1}\" height=\"{RowHeight - 6}\"><title>{ExplainPage.Text($"{launch.Kernel}, {ms:F3} ms")}</title></rect>");
                at += ms;
            }
        }
        return svg.Append("</svg>").ToString();
    }

    /// <summary>A row for each kernel of a stage, and the total.</summary>
    public static IEnumerable<string[]> Rows(Timeline timeline)
    {
        foreach (var (stage, launches) in Stages(timeline))
        {
            foreach (var kernel in launches.GroupBy(launch => launch.Kernel))
                yield return Row(stage, kernel.Key, [.. kernel]);
        }
        yield return Row("all", "", timeline.Launches);

        string[] Row(string stage, string kernel, IReadOnlyList<KernelLaunch> launches)
        {
            var flop = 2.0 * launches.Sum(launch => launch.MultiplyAdds);
            var rate = flop / launches.Sum(launch => launch.Time.TotalSeconds);
            return
            [
                stage, kernel, launches.Count.ToString(CultureInfo.InvariantCulture), kernel.Length == 0 ? "" : launches.MaxBy(launch => launch.Threads).Grid,
                Ms(launches), (launches.Sum(launch => launch.Bytes) / 1e6).ToString("F2", CultureInfo.InvariantCulture),
                flop == 0 ? "" : (flop / 1e9).ToString("F3", CultureInfo.InvariantCulture),
                flop == 0 ? "" : (100 * rate / timeline.PeakFlops).ToString("F0", CultureInfo.InvariantCulture) + " %",
            ];
        }
    }

    private static List<(string Stage, List<KernelLaunch> Launches)> Stages(Timeline timeline)
        => [.. timeline.Launches.GroupBy(launch => launch.Stage).Select(stage => (stage.Key, stage.ToList()))];

    private static string Ms(IEnumerable<KernelLaunch> launches)
        => launches.Sum(launch => launch.Time.TotalMilliseconds).ToString("F2", CultureInfo.InvariantCulture);
}
