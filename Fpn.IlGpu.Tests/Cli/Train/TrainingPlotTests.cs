using System.Globalization;
using System.Xml.Linq;
using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>The picture of a run.</summary>
internal sealed class TrainingPlotTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Test]
    public void The_plot_names_losses_figures_and_rate_in_letters_of_a_readable_size()
    {
        var plot = Draw(Log(4000, validateEvery: 500));
        var texts = plot.Descendants(Svg + "text").ToList();
        Assert.That(
            texts.Select(text => text.Value),
            Is.SupersetOf(new[] { "loss", "rpn boxes", "AP", "AP50", "learning rate", "rate", "step", "0", "4000" }));
        Assert.That(texts.Select(FontPx), Is.All.InRange(11, 16));
        Assert.That((plot.Attribute("width")!.Value, plot.Attribute("height")!.Value), Is.EqualTo(("900", "500")));
        Assert.That(plot.Elements(Svg + "rect").First().Attribute("style")!.Value, Does.StartWith("fill:rgb(255,255,255)"), "also on a dark page");
    }

    [Test]
    public void The_plot_shows_a_falling_loss_and_a_rising_figure()
    {
        var plot = Draw(Log(4000, validateEvery: 500));
        var (loss, ap) = (Curve(plot, "rgb(238,102,119)"), Curve(plot, "rgb(170,51,119)"));
        // Upwards, y falls.
        Assert.That(loss[^1].Y, Is.GreaterThan(loss[0].Y + 100));
        Assert.That(loss, Has.Count.LessThanOrEqualTo(60), "single steps are too noisy to see a trend");
        Assert.That(ap[^1].Y, Is.LessThan(ap[0].Y - 30));
        Assert.That(ap, Has.Count.EqualTo(8));
        Assert.That(ap.Min(point => point.Y), Is.GreaterThan(loss.Max(point => point.Y)), "it has a panel of its own");
    }

    [Test]
    public void Logs_with_nothing_to_draw_are_drawn()
    {
        Assert.That(Draw(new TrainingTable([], [])).Descendants(Svg + "text"), Is.Not.Empty);
        string[] columns = ["step", "loss", "rpn", "learning_rate", "seconds"];
        var odd = new TrainingTable(columns, [["1", "NaN", "0", "0.1", "1"], ["2", "∞", "0", "0.1", "1"], ["3", "2", "0", "0", "1"]]);
        Assert.That(Draw(odd).ToString(), Does.Not.Contain("NaN").And.Not.Contain("∞"));
    }

    private static XElement Draw(TrainingTable log)
    {
        using var svg = new MemoryStream();
        TrainingPlot.Write(log, svg);
        svg.Position = 0;
        return XDocument.Load(svg).Root!;
    }

    private static TrainingTable Log(int steps, int validateEvery)
    {
        static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
        var random = new Random(1);
        return new TrainingTable(
            ["step", "loss", "rpn boxes", "learning_rate", "AP", "AP50", "seconds"],
            [.. Enumerable.Range(1, steps).Select(step =>
            {
                var loss = 4 * Math.Exp(-step / 900.0) * (0.5 + random.NextDouble());
                var ap = step % validateEvery == 0 ? Number(step / (2.0 * steps)) : "";
                return new[] { Number(step), Number(loss), Number(loss / 5), "0.02", ap, ap, "1" };
            })]);
    }

    private static List<(double X, double Y)> Curve(XElement plot, string colour)
    {
        var longest = plot.Descendants(Svg + "polyline").Where(line => line.Attribute("style")!.Value.Contains($"stroke:{colour}", StringComparison.Ordinal))
            .MaxBy(line => line.Attribute("points")!.Value.Length)!;
        return [.. longest.Attribute("points")!.Value.Split(' ').Select(point => point.Split(','))
            .Select(point => (double.Parse(point[0], CultureInfo.InvariantCulture), double.Parse(point[1], CultureInfo.InvariantCulture)))];
    }

    private static double FontPx(XElement text) => double.Parse(text.Attribute("font-size")!.Value.Replace("px", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
}
