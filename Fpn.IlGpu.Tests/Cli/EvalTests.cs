using System.Text.Json.Nodes;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn eval</c>: figures from files and from a model, their pictures, and the errors.</summary>
internal sealed class EvalTests : CommandTest
{
    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Evaluation", "fixtures", name);

    private static readonly string Truth = Fixture("truth.json");

    private static readonly string Results = Fixture("results.json");

    // The first sample and its objects, with ids that differ from the model's, and a picture whose file is missing.
    private const string ShapesTruth = """
        {"images": [{"id": 4, "file_name": "a.png", "width": 320, "height": 320},
                    {"id": 9, "file_name": "gone.png", "width": 1, "height": 1}],
         "categories": [{"id": 70, "name": "Hexagon"}, {"id": 60, "name": "cross"}, {"id": 30, "name": "triangle"},
                        {"id": 10, "name": "circle"}, {"id": 20, "name": "square"}, {"id": 80, "name": "cube"}],
         "annotations": [
          {"id": 1, "image_id": 4, "category_id": 70, "bbox": [172, 134, 148, 145], "area": 21460, "iscrowd": 0},
          {"id": 2, "image_id": 4, "category_id": 60, "bbox": [71, 23, 152, 152], "area": 23104, "iscrowd": 0},
          {"id": 3, "image_id": 4, "category_id": 30, "bbox": [47, 153, 122, 125], "area": 15250, "iscrowd": 0},
          {"id": 4, "image_id": 4, "category_id": 80, "bbox": [220, 15, 85, 86], "area": 7310, "iscrowd": 0},
          {"id": 5, "image_id": 9, "category_id": 20, "bbox": [0, 0, 1, 1], "area": 1, "iscrowd": 0}]}
        """;

    [Test]
    public void The_json_equals_that_of_COCO()
    {
        var result = Fpn("eval", "--truth", Truth, "--results", Results, "--kind", "both", "--json", "out/figures.json");

        result.AssertExit(0);
        var actual = JsonNode.Parse(File.ReadAllText(At("out/figures.json")))!;
        var expected = JsonNode.Parse(File.ReadAllText(Fixture("expected.json")))!;
        // COCO's own code has no AP50 by class; the mean of ours is its AP50.
        foreach (var (kind, figures) in actual.AsObject().Where(p => p.Key != "stats_order"))
        {
            var classes = figures!["ap50_by_class"]!.AsObject().Select(p => p.Value!.GetValue<double>()).Where(ap => ap >= 0);
            Assert.That(classes.Average(), Is.EqualTo(expected[kind]!["stats"]![1]!.GetValue<double>()).Within(1e-9), kind);
            figures.AsObject().Remove("ap50_by_class");
        }
        (string, double)[] leaves = [.. Numbers(expected, "")];
        Assert.That(leaves, Has.Length.EqualTo(2 * (12 + 6 + 12)));
        foreach (((var key, var wanted), (var actualKey, var value)) in leaves.Zip(Numbers(actual, "")))
        {
            Assert.That(actualKey, Is.EqualTo(key));
            Assert.That(value, Is.EqualTo(wanted).Within(1e-9), key);
        }
        Assert.That(Numbers(actual, "").Count(), Is.EqualTo(leaves.Length));
        Assert.That(actual["stats_order"]!.ToJsonString(), Is.EqualTo(expected["stats_order"]!.ToJsonString()));
    }

    [Test]
    public void The_table_has_the_12_figures_in_80_columns()
    {
        var result = Fpn("eval", "--truth", Truth, "--results", Results, "--kind", "both");

        result.AssertExit(0);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[0], Does.Contain("60 pictures, 410 objects of 6 classes; 812 detections"));
        Assert.That(lines[1], Does.Match("^figure +IoU +objects +best +bbox +segm"));
        Assert.That(lines[2], Does.Match("^AP +0.50:0.95 +all +100 +0.080 +0.039"));
        Assert.That(lines[13], Does.Match("^ARl +0.50:0.95 +large +100 +0.321 +0.192"));
        Assert.That(lines, Has.Length.EqualTo(14 + 1 + 6).And.All.Length.LessThan(80));
    }

    [Test]
    public void The_table_by_class_has_every_class_with_the_best_first()
    {
        var lines = Fpn("eval", "--truth", Truth, "--results", Results, "--kind", "both").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[14], Does.Match("^class +objects +bbox AP +AP50 +segm AP +AP50"));
        var expected = JsonNode.Parse(File.ReadAllText(Fixture("expected.json")))!;
        string[] Said(string kind) => [.. expected[kind]!["ap_by_class"]!.AsObject()
            .Select(p => (p.Key, Value: p.Value!.GetValue<double>())).OrderByDescending(p => p.Value)
            .Select(p => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{p.Key} {p.Value:F3}"))];
        var rows = lines[15..].Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        Assert.That(rows.Select(row => $"{string.Join(' ', row[..^5])} {row[^4]}".Replace(" -", " -1.000")), Is.EqualTo(Said("bbox")));
        Assert.That(rows.Sum(row => int.Parse(row[^5], System.Globalization.CultureInfo.InvariantCulture)), Is.InRange(380, 410), "crowds are not counted");
        Assert.That(
            rows.Select(row => $"{string.Join(' ', row[..^5])} {row[^2]}".Replace(" -", " -1.000")), Is.EquivalentTo(Said("segm")));
    }

    [Test]
    public void Proposals_have_recall_at_several_counts()
    {
        var result = Fpn("eval", "--truth", Truth, "--results", Results, "--proposals");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Match("AR@10 +all +0.234").And.Match("AR@1000 +large +0.382"));
        Assert.That(result.Output, Does.Not.Contain("AP"));
    }

    [Test]
    public void Json_is_the_only_text_on_standard_output()
    {
        var result = FpnProcess.Run(Folder, "eval", "--truth", Truth, "--results", Results, "--json", "-");

        result.AssertExit(0);
        Assert.That(JsonNode.Parse(result.Output)!.AsObject().Select(p => p.Key), Is.EqualTo(new[] { "bbox", "stats_order" }));
    }

    [Test]
    public void Curves_are_drawn_for_each_kind()
    {
        Fpn("eval", "--truth", Truth, "--results", Results, "--kind", "both", "--curves", "new/curves.png").AssertExit(0);

        Assert.That(FilesIn("new"), Is.EqualTo(new[] { "curves.bbox.png", "curves.segm.png" }));
        var boxes = PictureReader.Read(At("new/curves.bbox.png"));
        Assert.That((boxes.Width, boxes.Height), Is.EqualTo((1280, 480)));
        Assert.That(boxes.Pixels.Distinct().Count(), Is.GreaterThan(50), "something is drawn");
        Assert.That(boxes.Pixels, Is.Not.EqualTo(PictureReader.Read(At("new/curves.segm.png")).Pixels));
    }

    [Test]
    public void The_classes_of_model_and_truth_are_matched_by_name()
    {
        PutSample("pictures/a.png");
        Put("truth.json", System.Text.Encoding.UTF8.GetBytes(ShapesTruth));

        var result = Fpn(
            "eval", "--truth", "truth.json", "--images", "pictures", "--device", "cpu",
            "--json", "figures.json", "--save-results", "found.json", "--worst", "worst", "--worst-count", "5", "--allow-problems");

        result.AssertExit(1);
        Assert.That(result.Errors, Has.Length.EqualTo(4));
        Assert.That(result.Errors, Has.One.Contains("1 of 2 pictures is left out (50 %)"));
        Assert.That(result.Errors, Has.One.Contains("The model doesn't know 'cube'").And.One.Contains("--set 'classes=[\"background\", "));
        Assert.That(result.Errors, Has.One.Contains("The truth has no class 'ring', 'star'"));
        Assert.That(result.Errors, Has.One.Contains("gone.png"));
        Assert.That(result.Output, Does.Contain("1 picture, 4 objects of 6 classes"));
        Assert.That(FilesIn("worst"), Is.EqualTo(new[] { "001-a.png" }));
        var worst = PictureReader.Read(At("worst/001-a.png"));
        Assert.That((worst.Width, worst.Height), Is.EqualTo((648, 320)));

        var classes = JsonNode.Parse(File.ReadAllText(At("figures.json")))!["bbox"]!["ap_by_class"]!;
        Assert.That(classes["Hexagon"]!.GetValue<double>(), Is.GreaterThan(0.8));
        Assert.That(classes["cross"]!.GetValue<double>(), Is.GreaterThan(0.8));
        Assert.That(classes["cube"]!.GetValue<double>(), Is.Zero);
        Assert.That(classes["square"]!.GetValue<double>(), Is.EqualTo(-1), "its picture is left out");
        var again = FpnProcess.Run(Folder, "eval", "--truth", "truth.json", "--results", "found.json", "--json", "-").Output;
        var hexagons = JsonNode.Parse(again)!["bbox"]!["ap_by_class"]!["Hexagon"]!;
        Assert.That(hexagons.GetValue<double>(), Is.EqualTo(classes["Hexagon"]!.GetValue<double>()));
    }

    [Test]
    public void The_proposals_of_a_two_stage_model_are_evaluated()
    {
        PutSample("pictures/a.png");
        PutSample("pictures/gone.png");
        Put("truth.json", System.Text.Encoding.UTF8.GetBytes(ShapesTruth));

        var result = Fpn(
            "eval", "-t", "truth.json", "-i", "pictures", "-d", "cpu", "--proposals",
            "--json", "figures.json", "--save-results", "found.json", "--allow-problems");

        result.AssertExit(1);
        Assert.That(result.Errors, Has.One.Contains("320 × 320 px, but its annotations say 1 × 1"));
        var figures = JsonNode.Parse(File.ReadAllText(At("figures.json")))!["bbox"]!.AsObject();
        Assert.That(figures.Select(p => p.Key), Is.EqualTo(new[] { "proposals" }));
        Assert.That(figures["proposals"]!["AR@100 all"]!.GetValue<double>(), Is.GreaterThan(0.7));
        Fpn("eval", "-t", "truth.json", "-r", "found.json").AssertOneError("--proposals");
    }

    [Test]
    public void Each_fault_in_the_files_is_reported_in_one_sentence()
    {
        Put("broken.json", "{\"images\": [\n}"u8.ToArray());
        Put("empty.json", """{"images": [], "categories": []}"""u8.ToArray());
        Put("elsewhere.json", """[{"image_id": 777, "category_id": 1, "score": 1, "bbox": [1, 2, 3, 4]}]"""u8.ToArray());
        Put("none.json", "[]"u8.ToArray());
        PutSample("pictures/a.png");
        Put("other.json", """
            {"images": [{"id": 1, "file_name": "a.png", "width": 320, "height": 320}], "categories": [{"id": 1, "name": "dog"}],
             "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12,
                              "segmentation": [[1, 2, 4, 2, 4, 6]]}]}
            """u8.ToArray());

        AssertFails("broken.json' is broken JSON at line 2, column 1", "-t", "broken.json", "-r", Results);
        AssertFails("empty.json' has no pictures", "-t", "empty.json", "-r", Results);
        AssertFails("no-such.json", "-t", "no-such.json", "-r", Results);
        AssertFails("no-such.json", "-t", Truth, "-r", "no-such.json");
        AssertFails("picture 777", "-t", Truth, "-r", "elsewhere.json");
        AssertFails("truth.json' is not a JSON array", "-t", Truth, "-r", Truth);
        AssertFails("No picture is left", "-t", Truth, "-i", "pictures", "-d", "cpu");
        AssertFails("no-such-folder", "-t", Truth, "-i", "no-such-folder");
        AssertFails("no class in common: the model finds 'circle', 'cross', 'hexagon', 'ring', 'square' and 2 more; the truth has 'dog'. If they", "-t", "other.json", "-i", "pictures", "-d", "cpu");
        AssertFails("finds no masks", "-t", "other.json", "-i", "pictures", "-d", "cpu", "-k", "segm");
        AssertFails("must end in .png", "-t", Truth, "-r", Results, "--curves", "curves.pdf");

        var nothing = Fpn("eval", "-t", Truth, "-r", "none.json");
        nothing.AssertExit(0);
        Assert.That(nothing.Output, Does.Match("AP +0.50:0.95 +all +100 +0.000"));

        void AssertFails(string what, params string[] arguments)
        {
            var result = Fpn(["eval", .. arguments]);
            result.AssertExit(1);
            result.AssertOneError(what);
        }
    }

    [TestCase("--results", "r.json")]
    [TestCase("--truth", "t.json")]
    [TestCase("--truth", "t.json", "--results", "r.json", "--model", "m.pth")]
    [TestCase("--truth", "t.json", "--results", "r.json", "--save-results", "s.json")]
    [TestCase("--truth", "t.json", "--results", "r.json", "--worst", "w")]
    [TestCase("--truth", "t.json", "--results", "r.json", "--worst-count", "3")]
    [TestCase("--truth", "t.json", "--results", "r.json", "--images", "i", "--worst", "w", "--worst-count", "0")]
    [TestCase("--truth", "t.json", "--results", "r.json", "--kind", "keypoints")]
    public void Wrong_usage_is_reported_before_anything_is_read(params string[] arguments)
    {
        var result = Fpn(["eval", .. arguments]);

        result.AssertExit(2);
        result.AssertOneError("see 'fpn eval --help'");
        Assert.That(FilesIn("."), Is.Empty);
    }

    [Test]
    public void Help_shows_examples_and_exit_codes()
        => Assert.That(Fpn("eval", "--help").Output, Does.Contain("fpn eval --truth").And.Contain("Exit codes:"));

    private static IEnumerable<(string Key, double Value)> Numbers(JsonNode node, string key) => node switch
    {
        JsonObject o => o.SelectMany(p => Numbers(p.Value!, $"{key}/{p.Key}")),
        JsonArray a => a.SelectMany((item, i) => Numbers(item!, $"{key}/{i}")),
        JsonValue v when v.GetValueKind() == System.Text.Json.JsonValueKind.Number => [(key, v.GetValue<double>())],
        _ => [],
    };
}
