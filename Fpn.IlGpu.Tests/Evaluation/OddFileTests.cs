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

    private void AssertFigures(string name)
    {
        var truth = ReadTruth(name);
        var figures = CocoEvaluation.Of(truth, ReadResults(name, truth)).Figures.Select(figure => figure.Value);
        Assert.That(figures, Is.EqualTo(Odd[name]!["stats"].Deserialize<double[]>()).AsCollection.Within(1e-9));
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
