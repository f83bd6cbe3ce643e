using System.Text;
using System.Text.Json.Nodes;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn train</c> and <c>fpn eval</c> leave out no data without a word, and not more than one per cent unasked.</summary>
internal sealed class LeftOutDataTests : CommandTest
{
    [Test]
    public void Training_refuses_a_set_whose_pictures_are_cut_and_names_them()
    {
        PutSet(6);
        foreach (var i in new[] { 1, 3, 5 })
            Cut($"pictures/{i}.png");

        var refused = Train();

        refused.AssertExit(1);
        refused.AssertOneError("3 of 6 pictures are left out (50 %).");
        Assert.That(refused.Error, Does.Contain("1.png' is a PNG"));
        Assert.That(refused.Error, Does.Contain("--allow-problems").And.Contain(Path.Combine("run", "problems.txt")));
        Assert.That(FilesIn("run"), Is.EqualTo(["problems.txt"]));

        var allowed = Train("--allow-problems");

        allowed.AssertExit(0);
        Assert.That(allowed.Output, Does.Contain("3 pictures"));
        Assert.That(allowed.Errors, Has.One.Contains("3 of 6 pictures are left out (50 %)."));
        Assert.That(allowed.Errors, Has.One.Contains("problems.txt"));
    }

    [Test]
    public void Training_refuses_pictures_of_another_size_than_annotated()
    {
        PutSet(3, width: 321);
        var refused = Train();
        refused.AssertExit(1);
        refused.AssertOneError("has 320 × 320 px, but its annotations say 321 × 320");
        var allowed = Train("--allow-problems");
        allowed.AssertExit(1);
        allowed.AssertOneError("No picture is left: correct the data.");
    }

    [Test]
    public void One_picture_of_a_hundred_is_left_out_and_named_without_being_asked()
    {
        PutSet(100);
        File.Delete(At("pictures/7.png"));
        var result = Train();
        result.AssertExit(0);
        Assert.That(result.Errors, Has.One.Contains("1 of 100 pictures is left out (1 %)."));
        Assert.That(result.Errors, Has.One.Contains("7.png"));
        Assert.That(File.ReadAllText(At("run/problems.txt")), Does.Contain("7.png"));
    }

    [Test]
    public void The_file_of_problems_lists_those_that_the_messages_do_not()
    {
        PutSet(12);
        for (var i = 1; i <= 11; i++)
            Cut($"pictures/{i}.png");
        var result = Train("--allow-problems");
        result.AssertExit(0);
        Assert.That(result.Error, Does.Not.Contain("9.png"));
        Assert.That(File.ReadAllLines(At("run/problems.txt")).Count(line => line.Contains(".png")), Is.EqualTo(11));
    }

    [Test]
    public void Evaluation_refuses_pictures_that_are_cut_before_it_detects()
    {
        PutSet(4);
        Cut("pictures/2.png");
        string[] command = ["eval", "-t", "truth.json", "-i", "pictures", "-d", "cpu", "--problems", "list/problems.txt"];

        var refused = Fpn(command);

        refused.AssertExit(1);
        refused.AssertOneError("1 of 4 pictures is left out (25 %).");
        Assert.That(refused.Output, Is.Empty, "the model is not loaded");
        Assert.That(File.ReadAllText(At("list/problems.txt")), Does.Contain("2.png"));

        var allowed = Fpn([.. command, "--allow-problems", "--save-results", "found.json"]);
        allowed.AssertExit(1);
        Assert.That(allowed.Output, Does.Contain("3 pictures, 3 objects"));
        Assert.That(JsonNode.Parse(File.ReadAllText(At("found.json")))!.AsArray(), Is.Not.Empty);
    }

    [Test]
    public void Evaluation_of_a_model_refuses_a_truth_with_two_categories_of_one_name()
    {
        PutSet(1);
        var truth = File.ReadAllText(At("truth.json")).Replace(
            "\"categories\": [", "\"categories\": [{\"id\": 2, \"name\": \"cross\"}, ", StringComparison.Ordinal);
        File.WriteAllText(At("truth.json"), truth);
        var refused = Fpn("eval", "-t", "truth.json", "-i", "pictures", "-d", "cpu");
        refused.AssertExit(1);
        Assert.That(refused.Errors, Has.One.Contains("'cross' is category 2, 'cross' is category 1"));
        Assert.That(refused.Errors, Has.One.Contains("Give each category of the truth a name of its own"));
    }

    [Test]
    public void Evaluation_refuses_results_of_which_some_have_no_score()
    {
        PutSet(1);
        Put("found.json", """
            [{"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}, {"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4]}]
            """u8.ToArray());
        var refused = Fpn("eval", "-t", "truth.json", "-r", "found.json");
        refused.AssertExit(1);
        refused.AssertOneError("1 of 2 results is left out (50 %).");
        Fpn("eval", "-t", "truth.json", "-r", "found.json", "--allow-problems").AssertExit(0);
    }

    private FpnResult Train(params string[] options) => Fpn(["train", "run.json", "--device", "cpu", .. options]);

    /// <summary>Writes pictures with one object each, their annotations, and a configuration that trains on them.</summary>
    private void PutSet(int count, int width = 320)
    {
        for (var i = 0; i < count; i++)
            PutSample($"pictures/{i}.png");
        string Each(Func<int, string> entry) => string.Join(",\n", Enumerable.Range(0, count).Select(entry));
        var images = Each(i => $$"""{"id": {{i}}, "file_name": "{{i}}.png", "width": {{width}}, "height": 320}""");
        var objects = Each(i => $$"""{"id": {{i + 1}}, "image_id": {{i}}, "category_id": 1, "bbox": [50, 60, 100, 90], "area": 9000}""");
        Put("truth.json", Encoding.UTF8.GetBytes(
            $$"""{"images": [{{images}}], "annotations": [{{objects}}], "categories": [{"id": 1, "name": "cross"}]}"""));
        Put("run.json", Encoding.UTF8.GetBytes(TinyTraining.Json(steps: 1, checkpointEvery: 1).Replace(
            "\"shapes\": { \"width\": 64, \"height\": 64, \"count\": 8 }",
            "\"coco\": { \"annotations\": \"truth.json\", \"pictures\": \"pictures\" }", StringComparison.Ordinal)));
    }

    private void Cut(string picture)
    {
        var file = File.ReadAllBytes(At(picture));
        File.WriteAllBytes(At(picture), file[..(file.Length / 2)]);
    }
}
