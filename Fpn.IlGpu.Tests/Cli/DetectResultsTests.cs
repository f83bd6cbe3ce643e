using System.Text.Json;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>The results of <c>fpn detect</c> for readable pictures.</summary>
internal sealed class DetectResultsTests : CommandTest
{
    [Test]
    public void A_folder_gives_a_table_and_annotated_pictures()
    {
        PutSample("in/a.png", 0);
        PutSample("in/b.png", 2);

        var result = Fpn("detect", "in");

        result.AssertExit(0);
        Assert.Multiple(() =>
        {
            Assert.That(result.Error, Is.Empty);
            Assert.That(result.Output, Does.Contain(Path.Join("in", "a.png") + ": 320 × 320, "));
            Assert.That(result.Output, Does.Contain(Path.Join("in", "b.png") + ": 640 × 480, "));
            Assert.That(result.Output, Does.Match(@"(?m)^\w+ +0\.\d\d +\d+\.\d +\d+\.\d +\d+\.\d +\d+\.\d *\r?$"));
            Assert.That(result.Output, Does.Contain("2 pictures, "));
            Assert.That(FilesIn("detections"), Is.EqualTo(["a.png", "b.png"]));
        });
        // The annotated picture can be read again, and has the same size.
        var again = Fpn("detect", "detections/b.png", "--no-pictures");
        again.AssertExit(0);
        Assert.That(again.Output, Does.Contain("640 × 480"));
    }

    [Test]
    public void Redirected_output_has_no_escape_codes()
    {
        PutSample("a.png");
        PutSample("b.png");

        var result = Fpn("detect", "a.png", "b.png", "missing.png");

        result.AssertExit(1);
        Assert.That(result.Output + result.Error, Has.None.EqualTo('\x1b').And.None.EqualTo('\b'));
        Assert.That(result.Error, Does.Not.Contain(" of 2 pictures"), "progress is for terminals only");
        Assert.That(Fpn("devices").Output, Has.None.EqualTo('\x1b'));
    }

    [Test]
    public void Json_has_a_line_for_each_picture()
    {
        PutSample("a.png", 1);
        PutSample("b.png", 2);

        var result = Fpn("detect", "b.png", "a.png", "--score", "0.3", "--json", "out/found.jsonl", "--no-pictures");

        result.AssertExit(0);
        Assert.That(Directory.Exists(At("detections")), Is.False);
        var lines = File.ReadAllLines(At("out/found.jsonl"));
        Assert.That(lines, Has.Length.EqualTo(2));
        CheckLine(lines[0], "b.png", 640, 480, 0.3f);
        CheckLine(lines[1], "a.png", 427, 320, 0.3f);
    }

    [Test]
    public void Json_replaces_the_content_of_the_file()
    {
        PutSample("a.png");
        Put("found.jsonl", new byte[100_000]);

        Fpn("detect", "a.png", "--json", "found.jsonl", "--no-pictures").AssertExit(0);

        CheckLine(File.ReadAllLines(At("found.jsonl")).Single(), "a.png", 320, 320, 0.5f);
    }

    [Test]
    public void Json_is_the_only_text_on_standard_output()
    {
        PutSample("größe \"1\".png");

        var result = FpnProcess.Run(Folder, "detect", "größe \"1\".png", "--json", "-", "--no-pictures");

        result.AssertExit(0);
        var line = result.Output.TrimEnd('\n');
        Assert.That(line, Does.Not.Contain('\n'));
        CheckLine(line, "größe \"1\".png", 320, 320, 0.5f);
    }

    [Test]
    public void A_higher_score_leaves_out_less_certain_objects()
    {
        PutSample("a.png", 2);

        Fpn("detect", "a.png", "--score", "0", "--json", "all.jsonl", "--no-pictures").AssertExit(0);
        Fpn("detect", "a.png", "--score", "0.9", "--json", "sure.jsonl", "--no-pictures").AssertExit(0);

        var all = Scores("all.jsonl");
        Assert.That(Scores("sure.jsonl"), Is.EqualTo(all.Where(score => score >= 0.9f)));
        Assert.That(all, Has.Some.LessThan(0.9f));
    }

    [Test]
    public void A_batch_finds_the_same_objects_as_single_pictures()
    {
        for (var number = 0; number < Samples.Length; number++)
            PutSample($"in/{number}.png", number);
        Put("in/1-bad.png", "no picture"u8.ToArray());

        var single = Fpn("detect", "in", "--json", "single.jsonl", "--score", "0.92", "--no-pictures");
        var batch = Fpn("detect", "in", "--json", "batch.jsonl", "--score", "0.92", "--no-pictures", "--batch", "3");

        single.AssertExit(1);
        batch.AssertExit(1);
        Assert.That(Summary("batch.jsonl"), Is.EqualTo(Summary("single.jsonl")));
        Assert.That(batch.Errors, Is.EqualTo(single.Errors));
    }

    private float[] Scores(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(At(file)));
        return [.. json.RootElement.GetProperty("detections").EnumerateArray().Select(found => found.GetProperty("score").GetSingle())];
    }

    // A batch pads its pictures to one size, which moves boxes and scores a little; confident detections must agree.
    private List<string> Summary(string file)
    {
        var lines = new List<string>();
        foreach (var line in File.ReadLines(At(file)))
        {
            using var json = JsonDocument.Parse(line);
            lines.Add(json.RootElement.GetProperty("image").GetString()!);
            lines.AddRange(json.RootElement.GetProperty("detections").EnumerateArray()
                .Select(found => found.GetProperty("label").GetString()!).Order(StringComparer.Ordinal));
        }
        return lines;
    }

    private static void CheckLine(string line, string image, int width, int height, float score)
    {
        using var json = JsonDocument.Parse(line);
        var picture = json.RootElement;
        Assert.That(Names(picture), Is.EqualTo(["image", "width", "height", "detections"]));
        Assert.That(picture.GetProperty("image").GetString(), Is.EqualTo(image));
        Assert.That(picture.GetProperty("width").GetInt32(), Is.EqualTo(width));
        Assert.That(picture.GetProperty("height").GetInt32(), Is.EqualTo(height));
        var detections = picture.GetProperty("detections").EnumerateArray();
        Assert.That(detections, Is.Not.Empty, "the shipped model finds something in each sample");
        foreach (var found in detections)
        {
            Assert.That(Names(found), Is.EqualTo(["label", "class_id", "score", "box"]));
            Assert.That(found.GetProperty("label").GetString(), Is.Not.Empty);
            Assert.That(found.GetProperty("class_id").GetInt32(), Is.GreaterThanOrEqualTo(0));
            Assert.That(found.GetProperty("score").GetSingle(), Is.InRange(score, 1f));
            float[] box = [.. found.GetProperty("box").EnumerateArray().Select(side => side.GetSingle())];
            Assert.That(box, Has.Length.EqualTo(4));
            Assert.That(box[0], Is.InRange(0f, box[2]));
            Assert.That(box[1], Is.InRange(0f, box[3]));
            Assert.That(box[2], Is.InRange(0f, width));
            Assert.That(box[3], Is.InRange(0f, height));
        }
    }

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(property => property.Name)];
}
