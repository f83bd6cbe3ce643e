using System.Text.Json;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Evaluation;

/// <summary>
/// Edge cases against COCO's own code (fixtures/edge, made by make_edgecases.py): polygons of all sorts, objects with id 0,
/// and results without boxes or masks.
/// </summary>
public sealed class EdgeCaseTests
{
    private static readonly JsonNode Expected = JsonNode.Parse(File.ReadAllText(Edge("expected.json")))!;

    private static string Edge(string name) => CocoEvaluationTests.Fixture(Path.Combine("edge", name));

    [Test]
    public void Figures_equal_those_of_COCO(
        [Values("both", "boxes", "masks")] string file, [Values(EvaluationKind.Box, EvaluationKind.Mask)] EvaluationKind kind)
    {
        var truth = EvaluationTruth.Read(Edge("truth.json"), masks: true);
        var results = EvaluationResults.Read(Edge($"{file}.json"), truth, masks: true);
        var evaluation = CocoEvaluation.Of(truth, results, kind);

        var expected = Expected[file]![EvaluationJson.NameOf(kind)]!;
        var stats = expected["stats"]!.Deserialize<double[]>()!;
        Assert.That(evaluation.Figures.Select(figure => figure.Value), Is.EqualTo(stats).AsCollection.Within(1e-9));
        Assert.That(stats[0], Is.GreaterThan(0.02), "the case has true positives");
        var proposals = expected["proposals"]!.Deserialize<Dictionary<string, double>>()!;
        Assert.That(proposals, Has.Count.EqualTo(12));
        foreach (var figure in evaluation.ProposalFigures)
            Assert.That(figure.Value, Is.EqualTo(proposals[figure.Name]).Within(1e-9), figure.Name);
    }

    [Test]
    public void Masks_are_not_read_for_boxes_and_make_no_difference()
    {
        var truth = EvaluationTruth.Read(Edge("truth.json"));
        var results = EvaluationResults.Read(Edge("both.json"), truth);
        Assert.That(truth.Objects.Select(o => o.Mask), Is.All.Null);
        Assert.That(results.Objects.Select(o => o.Mask), Is.All.Null);
        Assert.That(
            CocoEvaluation.Of(truth, results).Figures.Select(figure => figure.Value),
            Is.EqualTo(Expected["both"]!["bbox"]!["stats"]!.Deserialize<double[]>()!).AsCollection.Within(1e-9));
    }

    [Test]
    public void Polygons_fill_the_same_pixels_as_in_COCO()
    {
        var truth = EvaluationTruth.Read(Edge("truth.json"), masks: true);
        var expected = JsonSerializer.Deserialize<Dictionary<long, string>>(File.ReadAllText(Edge("polygons.json")))!;
        var polygons = truth.Objects.Where(o => !o.IsCrowd).ToDictionary(o => o.Id, o => o.Mask!.ToCocoString());
        Assert.That(polygons, Has.Count.GreaterThan(30));
        Assert.That(polygons, Is.EquivalentTo(expected));
    }

    [Test]
    public void The_object_with_id_0_and_the_unknown_classes_are_named()
    {
        var truth = EvaluationTruth.Read(Edge("truth.json"));
        var results = EvaluationResults.Read(Edge("both.json"), truth);
        Assert.That(truth.Problems.Count(AnnotationProblem.IdZero), Is.EqualTo(1));
        Assert.That(truth.Problems.Total, Is.EqualTo(1));
        Assert.That(results.Problems.Count(AnnotationProblem.CategoryUnknown), Is.GreaterThan(0).And.EqualTo(results.Problems.Total));
        Assert.That(results.Problems.Sentences(), Has.Count.EqualTo(1).And.All.Contains("is of category 55"));
    }

    [Test]
    public void Written_results_read_back_the_same()
    {
        var truth = EvaluationTruth.Read(Edge("truth.json"), masks: true);
        var results = EvaluationResults.Read(Edge("both.json"), truth, masks: true);
        var path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"results-{Guid.NewGuid():N}.json");
        try
        {
            using (var stream = File.Create(path))
                results.Write(stream);
            Assert.That(EvaluationResults.Read(path, truth, masks: true).Objects, Is.EqualTo(results.Objects));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestCase(0, 0, 4, 0, 4, 3, 0, 3, ExpectedResult = 12)]
    [TestCase(-9, -9, 99, -9, 99, 99, -9, 99, ExpectedResult = 6 * 5)]
    [TestCase(9, 9, 12, 9, 12, 12, 9, 12, ExpectedResult = 0)]
    [TestCase(1, 1, 1, 1, 1, 1, 1, 1, ExpectedResult = 0)]
    public int A_rectangle_covers_its_pixels(
        double x1, double y1, double x2, double y2, double x3, double y3, double x4, double y4)
        => ObjectMask.FromPolygons([[x1, y1, x2, y2, x3, y3, x4, y4]], 6, 5).Area;

    [Test]
    public void Invalid_polygons_are_refused()
    {
        Assert.That(() => ObjectMask.FromPolygons([], 6, 5), Throws.ArgumentException.With.Message.Contains("no polygon"));
        Assert.That(
            () => ObjectMask.FromPolygons([[0, 0, double.NaN, 1, 2, 2]], 6, 5), Throws.ArgumentException.With.Message.Contains("NaN"));
        Assert.That(() => ObjectMask.FromPolygons([[0, 0, 2e6, 1, 2, 2]], 6, 5), Throws.ArgumentException.With.Message.Contains("4000000 px long"));
    }

    [Test]
    public void The_overlap_of_masks_is_that_of_their_pixels()
    {
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            (var width, var height, var density) = (random.Next(1, 9), random.Next(1, 9), random.NextDouble());
            byte[] a = Pixels(), b = Pixels();
            ObjectMask maskA = ObjectMask.FromPixels(a, width, height), maskB = ObjectMask.FromPixels(b, width, height);
            Assert.That(MaskOverlap.Intersection(maskA, maskB), Is.EqualTo(a.Zip(b).Count(p => p is (1, 1))));
            Assert.That(MaskOverlap.Union(maskA, maskB).ToPixels(), Is.EqualTo(a.Zip(b, (p, q) => (byte)(p | q))));
            int[] inside = [.. Enumerable.Range(0, a.Length).Where(i => a[i] == 1)];
            PixelRectangle bounds = inside.Length == 0 ? default : new(
                inside.Min(i => i % width), inside.Min(i => i / width), inside.Max(i => i % width) + 1, inside.Max(i => i / width) + 1);
            Assert.That(MaskOverlap.Bounds(maskA), Is.EqualTo(bounds));

            byte[] Pixels() => [.. Enumerable.Range(0, width * height).Select(_ => (byte)(random.NextDouble() < density ? 1 : 0))];
        }
    }
}
