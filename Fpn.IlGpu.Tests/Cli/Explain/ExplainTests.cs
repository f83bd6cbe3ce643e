using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn explain</c>: the page, and what a browser makes of it.</summary>
internal sealed partial class ExplainTests : CommandProcessTest
{
    private const int LargestScript = 60 * 1024;

    private static RgbImage Sample => PictureReader.Read(Path.Combine(AppContext.BaseDirectory, "samples", Samples[0]));

    private static Device Cpu => TestDevices.Open("cpu");

    [Test]
    public void The_page_is_one_small_file_without_requests_and_the_same_bytes_every_time()
    {
        PutSample("shapes.png");
        using var other = FpnProcess.Start(Folder, "explain", "shapes.png", "--device", "cpu", "--no-times");
        var result = Fpn("explain", "shapes.png", "--device", "cpu", "--no-times", "--out", "again.html");

        other.Finish().AssertExit(0);
        result.AssertExit(0);
        Assert.That(result.Output, Does.Contain("shapes.png: again.html, "));
        var page = File.ReadAllText(At("shapes.html"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(File.ReadAllText(At("again.html")) == page, "the pages differ");
            Assert.That(Encoding.UTF8.GetByteCount(page), Is.LessThanOrEqualTo(1 << 20));
            Assert.That(EmbeddedSource.Text("page.js").Length, Is.LessThanOrEqualTo(LargestScript));
            Assert.That(page, Does.Contain("default-src 'none'"));
            Assert.That(Addresses().Matches(page).Select(match => match.Groups[1].Value), Is.Not.Empty.And.All.StartsWith("data:").Or.StartsWith("#"));
            Assert.That(Regex.Count(page, "<img "), Is.EqualTo(Regex.Count(page, "<img [^>]*alt=\"[^\"]+\"")), "pictures without alternative text");
            Assert.That(page, Does.Not.Contain("{{"));
            Assert.That(page, Does.Contain("L + U = M exactly, bit by bit, for 806400 of 806400 values"));
        }
    }

    [TestCase("shapes", 211, 67, "{ \"roi_sampling_ratio\": 0, \"roi_aligned\": true, \"classes\": [\"background\", \"</script><b>\", \"{{data}}\", \"c\", \"d\", \"e\", \"f\", \"\u202Eg\"] }")]
    [TestCase("shapes", 64, 48, "{ \"rpn_score_thresh\": 1 }")]
    [TestCase("detectron2/d2-faster-rcnn-r50", 83, 75, null)]
    [TestCase("zoo/maskrcnn-v2", 90, 120, null)]
    public void A_browser_computes_what_the_device_computed(string model, int width, int height, string? overrides)
    {
        Chromium.SkipWhereMissing();
        using var detector = Load(model, overrides);
        var picture = new RgbImage(width, height);
        if (width > 64)
            new Random(7).NextBytes(picture.Pixels);
        var explained = Explain(detector, picture);
        Put("page.html", Encoding.UTF8.GetBytes(ExplainPage.Of(explained)));
        var (document, console) = Chromium.Open(At("page.html"), At("profile"));

        Assert.That(document.Contains("The picture with its masks", StringComparison.Ordinal), Is.EqualTo(detector is MaskRcnn && explained.Trace.Objects.Count > 0));
        Assert.That(Attribute(document, "check"), Is.EqualTo("ok"));
        Assert.That(console, Is.Empty);
        Assert.That(document, Does.Contain($"{explained.Trace.Objects.Count} objects, {explained.ShownRois.Count * explained.Trace.Bins * explained.Trace.Bins} bins"));
        Assert.That(explained.Trace.Rois.Count == 0, Is.EqualTo(width == 64), "one of the pictures has no regions");
    }

    [Test]
    public void What_a_reader_changes_gives_what_a_device_with_these_settings_computes()
    {
        Chromium.SkipWhereMissing();
        const string change = """
            const set = (id, value) => {
              const control = document.getElementById(id);
              if (control.type === 'checkbox') control.checked = value; else control.value = value;
              control.dispatchEvent(new Event('input'));
            };
            set('rpn-nms', 0.5); set('s0', 56); set('k0', 3); set('sampling', 3); set('aligned', true); set('box-nms', 0.3); set('box-score', 0.2);
            const press = (id, key) => document.getElementById(id).dispatchEvent(new KeyboardEvent('keydown', { key }));
            press('proposal-canvas', 'ArrowRight'); press('align-canvas', 'ArrowRight'); press('anchor-canvas', 'ArrowLeft');
            const cells = id => [...document.querySelectorAll(`#${id} tbody tr`)].map(row => [...row.cells].map(cell => cell.textContent).join(' ')).join(', ');
            const text = id => document.getElementById(id).textContent;
            document.documentElement.dataset.told = [cells('proposal-table'), cells('level-table'), text('align-mean'), text('found-count'), text('proposal-told')].join(' | ');
            """;
        using var detector = Load("shapes");
        var explained = Explain(detector, Sample);
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(change)));
        var page = ExplainPage.Of(explained).Replace("script-src '", $"script-src 'sha256-{hash}' '", StringComparison.Ordinal)
            .Replace("</body>", $"<script>{change}</script></body>", StringComparison.Ordinal);
        Put("page.html", Encoding.UTF8.GetBytes(page));
        var (document, console) = Chromium.Open(At("page.html"), At("profile"));
        var told = Attribute(document, "told").Split(" | ");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(console, Is.Empty);
            Assert.That(Attribute(document, "check"), Is.EqualTo("ok"));
            Assert.That(told[0], Does.StartWith(string.Join(", ", Proposals())));
            Assert.That(told[1], Is.EqualTo(string.Join(", ", Levels())));
            Assert.That(told[2], Does.Contain($"the mean of its 9 samples is {Bin()}"));
            Assert.That(told[3], Does.Contain($"the best {Objects()} are the objects"));
            Assert.That(told[4], Does.Contain("was kept and suppressed"));
        }

        IEnumerable<string> Proposals()
        {
            using var other = Load("shapes", """{ "rpn_nms_thresh": 0.5 }""");
            var trace = other.Trace(Sample);
            return Enumerable.Range(2, 5).Select(level => trace.Proposals.Where(p => p.Level == level).ToList()).Select((own, i) =>
                $"P{i + 2} {own.Count} {own.Count} {own.Count(p => p.IsKept)} {own.Count(p => p.Roi is not null)} {explained.Trace.Proposals.Count(p => p.Level == i + 2 && p.Roi is not null)}");
        }

        IEnumerable<string> Levels()
        {
            var range = new RoiLevels.Range(2, 5, new RoiLevelRule(56, 3, 1e-6f));
            return Enumerable.Range(2, 4).Select(level =>
                $"P{level} {explained.Trace.Rois.Count(r => RoiLevels.Of(r.BoxInputPx, range) == level)} {explained.Trace.Rois.Count(r => r.Level == level)}");
        }

        string Bin()
        {
            using var other = Load("shapes", """{ "roi_sampling_ratio": 3, "roi_aligned": true }""");
            var trace = other.Trace(Sample);
            var bin = 49 / 2 + 1;
            var value = trace.RoiFeatures[(explained.ShownRois[0] * 49 + bin) * 96 + explained.Channels[0]];
            return value.ToString("F3", System.Globalization.CultureInfo.InvariantCulture);
        }

        int Objects()
        {
            using var other = Load("shapes", """{ "box_nms_thresh": 0.3 }""");
            other.ScoreThreshold = 0.2f;
            return other.Detect(Sample).Count;
        }
    }

    [Test]
    public void The_timeline_has_every_launch_of_a_detection()
    {
        using var detector = Load("shapes");
        var picture = new RgbImage(160, 96);
        new Random(3).NextBytes(picture.Pixels);
        detector.Detect(picture);
        var before = Cpu.MultiplyAdds;
        detector.Detect(picture);
        var asked = Cpu.MultiplyAdds - before;

        var timeline = Timeline.Measure(detector, picture, Cpu, default);
        var page = ExplainPage.Of(Explain(detector, picture) with { Timeline = timeline });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(timeline.Launches.Sum(launch => launch.MultiplyAdds), Is.EqualTo(asked));
            Assert.That(timeline.Launches.Select(launch => launch.Time), Has.All.GreaterThan(TimeSpan.Zero));
            Assert.That(timeline.Launches.Select(launch => launch.Bytes), Has.All.GreaterThan(0));
            Assert.That(
                timeline.Launches.Select(launch => launch.Stage).Distinct(),
                Is.EqualTo(["preprocess", "backbone", "pyramid", "RPN head", "proposals", "RoI features", "box head", "postprocess"]));
            Assert.That(timeline.Launches.Select(launch => launch.Kernel), Does.Contain("Preprocess.Kernel"));
            Assert.That(timeline.PeakFlops, Is.GreaterThan(1e8));
            Assert.That(Regex.Count(page, "<title>[^<]* ms</title>"), Is.EqualTo(timeline.Launches.Count));
            Assert.That(Cpu.LaunchLog, Is.Null);
        }
    }

    [Test]
    public void Every_source_that_the_page_shows_is_a_method_of_the_library()
    {
        Assert.That(ExplainPage.Sources.Count(), Is.GreaterThan(12));
        foreach (var (path, method) in ExplainPage.Sources)
        {
            var lines = File.ReadAllLines(Path.Combine(Repository.Folder, "Fpn.IlGpu", path)).Select(line => line.Trim()).ToHashSet();
            var shown = EmbeddedSource.Method(path, method).Split('\n');
            Assert.That(shown.Select(line => line.Trim()).Where(line => !lines.Contains(line)), Is.Empty, path);
            Assert.That(shown[0], Does.StartWith("/// <summary>").Or.StartWith("public"), path);
            Assert.That(shown[^1], Is.EqualTo("}").Or.EndsWith(";"), path);
            Assert.That(shown.Count(line => line.StartsWith("public ", StringComparison.Ordinal) || line.StartsWith("internal ", StringComparison.Ordinal)), Is.EqualTo(1), $"{path}: {method}");
        }
        Assert.That(() => EmbeddedSource.Method("Kernels/Roi/RoiAlign.cs", "Nothing"), Throws.InvalidOperationException);
    }

    [Test]
    public void The_page_in_the_documentation_has_this_template()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Folder, "docs", "explain.html"));

        Assert.That(page.Contains(EmbeddedSource.Text("page.js"), StringComparison.Ordinal), "fpn explain has another script by now");
        Assert.That(page.Contains(EmbeddedSource.Text("page.css"), StringComparison.Ordinal), "fpn explain has another style by now");
        foreach (Match heading in Headings().Matches(EmbeddedSource.Text("page.html")))
            Assert.That(page.Contains(heading.Value, StringComparison.Ordinal), heading.Value);
    }

    [TestCase("zoo/retinanet", null, "this model's detector is 'retinanet'")]
    [TestCase("detectron2/d2-rpn-r50", null, "this model's detector is 'rpn'")]
    [TestCase(null, """{ "pyramid": "bottom-up" }""", "this model's pyramid is 'bottom-up'")]
    [TestCase(null, """{ "roi_max_pool": true }""", "roi_max_pool")]
    [TestCase(null, """{ "image_pyramid": [320, 400] }""", "--set image_pyramid=[]")]
    public void Models_that_the_page_can_not_explain_are_refused(string? model, string? overrides, string sentence)
    {
        PutSample("shapes.png");
        var run = new ExplainRun(new Screen(quiet: true), default)
        {
            Picture = At("shapes.png"),
            Out = At("page.html"),
            Model = model is null ? null : Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Parity", "fixtures", model), "model.*").Single(),
            Configuration = overrides,
            Device = "cpu",
            Options = new DeviceOptions(),
            Timed = false,
        };
        Assert.That(run.Execute, Throws.TypeOf<CommandException>().With.Message.Contains(sentence));
        Assert.That(At("page.html"), Does.Not.Exist);
    }

    [Test]
    public void A_folder_gets_a_page_for_each_picture_and_an_index()
    {
        PutSample("photos/a.png");
        PutSample("photos/b.png", 1);
        Put("photos/broken.png", [1, 2, 3]);

        var result = Fpn("explain", "photos", "--device", "cpu", "--no-times", "--out", "pages");

        result.AssertExit(1);
        result.AssertOneError("broken.png");
        Assert.That(FilesIn("pages"), Is.EqualTo(["a-png.html", "b-png.html", "index.html"]));
        var index = File.ReadAllText(At("pages/index.html"));
        Assert.That(Addresses().Matches(index).Select(match => match.Groups[1].Value).Where(address => !address.StartsWith("data:", StringComparison.Ordinal)),
            Is.EqualTo(["a-png.html", "b-png.html"]));
        Assert.That(WebUtility.HtmlDecode(index), Does.Contain("default-src 'none'").And.Contain("circle, cross × 2"));
    }

    [Test]
    public void Inputs_as_outputs_are_refused()
    {
        PutSample("shapes.png");
        var same = Fpn("explain", "shapes.png", "--device", "cpu", "--out", "shapes.png");
        same.AssertExit(1);
        same.AssertOneError("choose another with --out");
        Assert.That(PictureReader.Read(At("shapes.png")).Pixels, Is.EqualTo(Sample.Pixels));
    }

    private static FasterRcnn Load(string model, string? overrides = null)
    {
        var weights = model == "shapes" ? null : Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Parity", "fixtures", model), "model.*").Single();
        return (FasterRcnn)Detector.Load(Cpu, weights, overrides);
    }

    private static ExplainedDetection Explain(FasterRcnn detector, RgbImage picture)
        => new("</title><script>x.png", picture, detector, detector.Trace(picture), "a model", "a device", Timeline: null);

    private static string Attribute(string document, string name)
        => WebUtility.HtmlDecode(Regex.Match(document, $"<html[^>]* data-{name}=\"([^\"]*)\"").Groups[1].Value);

    [GeneratedRegex("(?:src|href)=\"([^\"]*)\"")]
    private static partial Regex Addresses();

    [GeneratedRegex("<h2>.*?</h2>")]
    private static partial Regex Headings();
}
