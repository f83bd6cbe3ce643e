using System.Text.Json.Nodes;
using Fpn.IlGpu.Evaluation;

namespace Fpn.IlGpu.Tests.Evaluation;

/// <summary>The figures of COCO's own code (fixtures/expected.json, made by make_cocoeval.py), to 1e-9.</summary>
public sealed class CocoEvaluationTests
{
    private const double Tolerance = 1e-9;

    private static readonly JsonNode Expected = JsonNode.Parse(File.ReadAllText(Fixture("expected.json")))!;

    internal static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Evaluation", "fixtures", name);

    private static CocoEvaluation Evaluate(EvaluationKind kind)
    {
        var masks = kind == EvaluationKind.Mask;
        var truth = EvaluationTruth.Read(Fixture("truth.json"), masks);
        var results = EvaluationResults.Read(Fixture("results.json"), truth, masks);
        Assert.That(truth.Problems.Sentences(), Is.Empty);
        Assert.That(results.Problems.Sentences(), Is.Empty);
        return CocoEvaluation.Of(truth, results, kind);
    }

    private static IEnumerable<TestCaseData> Kinds => [new(EvaluationKind.Box), new(EvaluationKind.Mask)];

    [TestCaseSource(nameof(Kinds))]
    public void Every_figure_equals_that_of_COCO(EvaluationKind kind)
    {
        using var stream = new MemoryStream();
        EvaluationJson.Write([Evaluate(kind)], stream);
        var actual = JsonNode.Parse(stream.ToArray())!;
        var name = EvaluationJson.NameOf(kind);

        Assert.That(actual["stats_order"]!.ToJsonString(), Is.EqualTo(Expected["stats_order"]!.ToJsonString()));
        foreach (var group in new[] { "stats", "ap_by_class", "proposals" })
        {
            var expected = Leaves(Expected[name]![group]!);
            Assert.That(expected, Is.Not.Empty);
            AssertNear(Leaves(actual[name]![group]!), expected, group);
        }
        Assert.That(actual.AsObject().Select(p => p.Key), Is.EquivalentTo([name, "stats_order"]));
    }

    private static (string Key, double Value)[] Leaves(JsonNode node) => node is JsonArray array
        ? [.. array.Select((value, i) => ($"{i}", value!.GetValue<double>()))]
        : [.. node.AsObject().Select(p => (p.Key, p.Value!.GetValue<double>()))];

    private static void AssertNear((string Key, double Value)[] actual, (string Key, double Value)[] expected, string what)
    {
        Assert.That(actual.Select(a => a.Key), Is.EqualTo(expected.Select(e => e.Key)), what);
        Assert.Multiple(() =>
        {
            foreach (((var key, var value), var wanted) in actual.Zip(expected.Select(e => e.Value)))
                Assert.That(value, Is.EqualTo(wanted).Within(Tolerance), $"{what} {key}");
        });
    }
}
