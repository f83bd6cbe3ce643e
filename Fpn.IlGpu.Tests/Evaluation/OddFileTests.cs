using System.Text.Json;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;

namespace Fpn.IlGpu.Tests.Evaluation;

/// <summary>Files as tools write them: the figures are pycocotools' (fixtures/odd.json, made by make_odd_files.py).</summary>
public sealed class OddFileTests
{
    private static readonly JsonNode Odd = JsonNode.Parse(File.ReadAllText(CocoEvaluationTests.Fixture("odd.json")))!;

    private string folder = "";

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [TestCase("ids_restart_in_each_picture")]
    [TestCase("one_id_for_all")]
    [TestCase("some_ids_twice")]
    public void Objects_of_one_id_give_the_figures_of_pycocotools_and_are_named(string name)
    {
        AssertFigures(name);
        var problems = ReadTruth(name).Problems;
        Assert.That(problems.Count(AnnotationProblem.ObjectIdTwice), Is.EqualTo(problems.Lost(AnnotationPart.Objects)).And.AtLeast(10));
        Assert.That(problems.IsTooMuchLost, Is.True);
        Assert.That(problems.Sentences()[0], Does.Match(@"^\d\d of 30 objects are left out"));
    }

    [Test]
    public void Objects_without_an_id_are_left_out_and_named()
    {
        var problems = ReadTruth("no_ids").Problems;
        Assert.That(problems.Lost(AnnotationPart.Objects), Is.EqualTo(30));
        Assert.That(problems.Named(AnnotationProblem.EntryIncomplete)[0], Is.EqualTo("object number 1 has no id"));
    }

    [TestCase("ids_are_strings")]
    [TestCase("ids_are_digits")]
    [TestCase("ids_of_objects_are_strings_of_digits")]
    [TestCase("boxes_are_strings")]
    public void Strings_for_ids_and_numbers_give_the_figures_of_pycocotools(string name)
    {
        AssertFigures(name);
        Assert.That(ReadTruth(name).Problems.Sentences(), Is.Empty);
    }

    [Test]
    public void Scores_in_quotation_marks_are_numbers() => AssertFigures("scores_are_strings", like: "boxes_are_strings");

    [Test]
    public void Categories_without_a_name_give_the_figures_of_pycocotools_and_are_named()
    {
        AssertFigures("categories_have_no_names");
        var truth = ReadTruth("categories_have_no_names");
        Assert.That(truth.Categories.Select(category => category.Name), Is.EqualTo(["2", "1"]));
        Assert.That(truth.Problems.Sentences(), Is.EqualTo(
            ["2 categories without a name (their ids serve as their names): category 2; category 1."]));
    }

    [Test]
    public void A_string_is_another_id_than_a_number()
    {
        AssertFigures("ids_are_strings_in_annotations_only");
        var problems = ReadTruth("ids_are_strings_in_annotations_only").Problems;
        Assert.That(problems.Lost(AnnotationPart.Objects), Is.EqualTo(30));
        Assert.That(problems.Named(AnnotationProblem.PictureUnknown)[0], Does.Match("^object 1 is of picture \"\\d\"$"));
    }

    [Test]
    public void Results_are_written_with_the_strings_of_the_truth()
    {
        var truth = ReadTruth("ids_are_strings");
        var results = ReadResults("ids_are_strings", truth);
        using var stream = new MemoryStream();
        truth.ToResults(results.Objects).Write(stream);
        var written = JsonNode.Parse(stream.ToArray())!.AsArray();
        foreach ((var entry, var wanted) in written.Zip(Odd["ids_are_strings"]!["results"]!.AsArray()))
        {
            Assert.That(entry!["image_id"]!.GetValue<string>(), Is.EqualTo(wanted!["image_id"]!.GetValue<string>()));
            Assert.That(entry["category_id"]!.GetValue<string>(), Is.EqualTo(wanted["category_id"]!.GetValue<string>()));
        }
    }

    [TestCase("NaN", "NaN")]
    [TestCase("Infinity", "Infinity")]
    [TestCase("-Infinity", "Infinity")]
    public void A_score_that_is_not_finite_is_refused_and_named(string score, string named)
    {
        var truth = ReadTruth("boxes_are_strings");
        var path = Path.Combine(folder, "results.json");
        File.WriteAllText(
            path, $$"""
            [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5},
             {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": {{score}}}]
            """);
        Assert.That(
            () => EvaluationResults.Read(path, truth),
            Throws.TypeOf<AnnotationException>().With.Message.Contains("at line 2, column 6")
                .And.Message.Contains($"{named} is no number in JSON"));
    }

    [Test]
    public void A_box_that_is_not_a_number_is_refused_and_named()
    {
        var truth = ReadTruth("boxes_are_strings");
        var path = Path.Combine(folder, "results.json");
        File.WriteAllText(path, """[{"image_id": 1, "category_id": 1, "bbox": [NaN, 2, 3, 4], "score": 0.5}]""");
        Assert.That(
            () => EvaluationResults.Read(path, truth),
            Throws.TypeOf<AnnotationException>().With.Message.Contains("NaN is no number in JSON"));
    }

    [Test]
    public void A_truth_without_masks_is_refused_for_masks()
        => Assert.That(
            () => EvaluationTruth.Read(Put("boxes_are_strings", "truth"), masks: true),
            Throws.TypeOf<AnnotationException>().With.Message.Contains("No object of ").And.Message.Contains("--kind bbox"));

    [Test]
    public void Objects_without_a_mask_among_others_are_counted_and_named()
    {
        var truth = Odd["boxes_are_strings"]!["truth"]!.DeepClone();
        truth["annotations"]![0]!["segmentation"] = new JsonArray(new JsonArray(1, 1, 9, 1, 9, 9));
        var path = Path.Combine(folder, "truth.json");
        File.WriteAllText(path, truth.ToJsonString());
        var problems = EvaluationTruth.Read(path, masks: true).Problems;
        Assert.That((problems.Lost(AnnotationPart.Masks), problems.All(AnnotationPart.Masks)), Is.EqualTo((29, 30)));
        Assert.That(problems.Named(AnnotationProblem.MaskBroken)[0], Does.EndWith("it has none"));
    }

    [Test]
    public void Results_of_pictures_that_the_truth_lacks_are_refused_as_in_pycocotools()
        => Assert.That(
            () => ReadResults("results_of_unknown_pictures", ReadTruth("results_of_unknown_pictures")),
            Throws.TypeOf<AnnotationException>().With.Message.Contains("has results for picture 99 that the ground truth lacks"));

    [Test]
    public void Results_of_unknown_categories_are_named_and_left_out_as_in_pycocotools()
    {
        AssertFigures("results_of_unknown_categories");
        var results = ReadResults("results_of_unknown_categories", ReadTruth("results_of_unknown_categories"));
        Assert.That(results.Problems.Count(AnnotationProblem.CategoryUnknown), Is.EqualTo(results.Objects.Count / 2));
    }

    private void AssertFigures(string name, string? like = null)
    {
        var truth = ReadTruth(name);
        var figures = CocoEvaluation.Of(truth, ReadResults(name, truth)).Figures.Select(figure => figure.Value);
        Assert.That(figures, Is.EqualTo(Odd[like ?? name]!["stats"].Deserialize<double[]>()).AsCollection.Within(1e-9));
    }

    private EvaluationTruth ReadTruth(string name) => EvaluationTruth.Read(Put(name, "truth"));

    private EvaluationResults ReadResults(string name, EvaluationTruth truth) => EvaluationResults.Read(Put(name, "results"), truth);

    private string Put(string name, string part)
    {
        var path = Path.Combine(folder, part + ".json");
        File.WriteAllText(path, Odd[name]![part]!.ToJsonString());
        return path;
    }
}
