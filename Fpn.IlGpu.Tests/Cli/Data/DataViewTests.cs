using System.Xml.Linq;

using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn data stats</c> and <c>fpn data show</c>.</summary>
internal sealed class DataViewTests : DataCommandTest
{
    [Test]
    public void Statistics_count_by_class_size_and_level()
    {
        PutSet("set.json", 24);
        var result = Fpn("data", "stats", "set.json", "--picture", "out/sizes.svg", "--min-size", "60", "--max-size", "80", "--canonical-side", "56");
        result.AssertExit(0);
        var lines = result.Output.Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Trim()).ToList();
        Assert.That(lines, Does.Contain("24 pictures, all 80 × 60 px; 6 without an object that counts"));
        Assert.That(lines, Does.Contain("30 objects of 3 classes; besides them, 1 crowd and 0 ignored objects"));
        // √(30.5 · 20) is 24.7, √(8 · 8) is 8. From 28 px on, P3.
        Assert.That(lines, Does.Contain("cat 24 16 24 0 0 25").And.Contain("dog 6 6 6 0 0 8").And.Contain("mouse 0 0 0 0 0 -"));
        Assert.That(lines, Does.Contain("P2 30 1.000 25").And.Contain("P3 0 0.000 -"));
        var svg = XDocument.Load(At("out/sizes.svg"));
        Assert.That(svg.ToString(), Does.Contain("30 objects at min_size 60 and max_size 80").And.Contain("P5"));
    }

    [Test]
    public void Levels_follow_the_rule_for_rois()
    {
        static MeasuredObject Of(float side) => new("a", new Box(0, 0, side, side), side * side, 800, 800, 1);
        Assert.That(
            new[] { 55, 57, 111, 113, 223, 225, 447, 449, 799f }.Select(side => SetStatistics.LevelOf(Of(side), 800, 1333, 224)),
            Is.EqualTo(new[] { 2, 2, 2, 3, 3, 4, 4, 5, 5 }));
        Assert.That(new[] { 31.9f, 32, 95.9f, 96 }.Select(side => SetStatistics.SizeOf(Of(side))), Is.EqualTo(new[] { 0, 1, 1, 2 }));
    }

    [TestCase(640, 480, 40, 240, 320, 8)]
    [TestCase(640, 480, 7, 960, 1280, 8)]
    [TestCase(4000, 3000, 16, 992, 1333, 8)]
    [TestCase(640, 480, 300, 240, 320, 32)]
    public void Suggested_sizes_are_computed_as_the_help_says(int width, int height, float side, int minSize, int maxSize, int anchor)
    {
        AnnotatedObject[] objects = [.. Enumerable.Range(1, 10).Select(i => new AnnotatedObject(new Box(0, 0, side * (1 + 0.01f * i), side), 0))];
        var set = new AnnotatedSet([new AnnotatedPicture(1, "a.png", width, height, objects)], [new AnnotatedCategory(1, "a")]);
        var suggestion = SizeSuggestion.Of(SetStatistics.Of([set]));
        Assert.That((suggestion.MinSize, suggestion.MaxSize), Is.EqualTo((minSize, maxSize)));
        Assert.That(suggestion.Anchors[0], Is.EqualTo(anchor));
        Assert.That(suggestion.Anchors, Has.Length.EqualTo(5));
    }

    [TestCase("gone.json", "", 1, "There is no file or folder 'gone.json'")]
    [TestCase("set.json", "--picture=sizes.png", 2, "its name must end in .svg")]
    [TestCase("set.json", "--min-size=x", 2, "go together")]
    [TestCase("set.json", "--canonical-side=x", 2, "--canonical-side is 'x'")]
    [TestCase("set.json", "--min-size=100", 2, "--min-size and --max-size go together")]
    [TestCase("set.json", "--picture=set.svg", 1, "which this command reads")]
    public void Wrong_statistics_are_explained(string file, string option, int code, string expected)
    {
        PutSet("set.json", 12);
        File.CreateSymbolicLink(At("set.svg"), At("set.json"));
        var result = Fpn(["data", "stats", file, .. option.Length > 0 ? new[] { option } : []]);
        result.AssertExit(code);
        result.AssertOneError(expected);
    }

    [Test]
    public void Shown_pictures_have_their_boxes_and_masks()
    {
        PutSet("set.json", 6);
        for (var i = 0; i < 6; i++)
            PutPicture($"pictures/p{i}.png");
        var result = Fpn("data", "show", "set.json", "--pictures", "pictures", "--out", "shown", "-n", "4", "--seed", "2");
        result.AssertExit(0);
        Assert.That(FilesIn("shown"), Has.Length.EqualTo(4));
        Assert.That(result.Output, Does.Contain("shown/01-p").And.Contain("object"));
        var all = Fpn("data", "show", "set.json", "--pictures", "pictures", "--out", "all", "-n", "9");
        all.AssertExit(0);
        Assert.That(FilesIn("all"), Has.Length.EqualTo(6));
        var (plain, drawn) = (PictureReader.Read(At("pictures/p5.png")), PictureReader.Read(At("all/06-p5.png")));
        Assert.That(drawn.Pixels, Is.Not.EqualTo(plain.Pixels));
        Assert.That((drawn.Width, drawn.Height), Is.EqualTo((Width, Height)));
        Fpn("data", "show", "set.json", "--out", "shown").AssertOneError("6 missing picture files");
        Fpn("data", "show", "set.json", "--pictures", "pictures", "--step", "3", "--out", "shown").AssertOneError("--step needs a training configuration");
    }

    [Test]
    public void Samples_of_a_configuration_are_shown_as_training_sees_them()
    {
        Put("run.json", TinyTraining.Json(1, 1).Replace(
            "\"count\": 8 }", "\"count\": 8 }, \"augment\": { \"iou_crop\": {}, \"photometric\": {} }", StringComparison.Ordinal));
        var result = Fpn("data", "show", "run.json", "--out", "shown", "-n", "5");
        result.AssertExit(0);
        Assert.That(FilesIn("shown"), Has.Length.EqualTo(5));
        var later = Fpn("data", "show", "run.json", "--out", "later", "-n", "1", "--step", "2");
        later.AssertExit(0);
        // Two pictures a step: the first of step 2 is the third of all.
        var name = FilesIn("shown").Single(file => file.StartsWith("03-", StringComparison.Ordinal));
        Assert.That(FilesIn("later").Single()[3..], Is.EqualTo(name[3..]));
        Assert.That(File.ReadAllBytes(At($"later/{FilesIn("later").Single()}")), Is.EqualTo(File.ReadAllBytes(At($"shown/{name}"))));
        Assert.That(result.Output, Does.Contain("px (shown × 7), 1 object"));
        Fpn("data", "show", "run.json", "--out", "shown", "--seed", "1").AssertOneError("is a training configuration, which says itself what --seed would");
    }

    [Test]
    public void The_help_of_each_command_has_examples_and_exit_codes()
    {
        foreach (var command in DataCommand.Create().Subcommands)
        {
            var text = new StringWriter();
            command.Parse(["--help"]).Invoke(new System.CommandLine.InvocationConfiguration { Output = text });
            Assert.That(text.ToString(), Does.Contain($"fpn data {command.Name} ").And.Contain("Exit codes:"));
        }
    }
}
