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
