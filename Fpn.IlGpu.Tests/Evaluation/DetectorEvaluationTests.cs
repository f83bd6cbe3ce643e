using System.Text.Json;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Evaluation;

/// <summary>A detector is evaluated in one call, and its detections become COCO results in one call.</summary>
internal sealed class DetectorEvaluationTests
{
    private readonly SyntheticPictures scenes = new(500_000, 3);
    private Detector detector = null!;

    private static Device Device => TestDevices.Open("cpu");

    [OneTimeSetUp]
    public void Load() => detector = Detector.Load(Device);

    [OneTimeTearDown]
    public void Unload() => detector.Dispose();

    [Test]
    public void Own_pictures_are_evaluated_in_one_call()
    {
        var progress = new Recorder();
        var evaluation = DetectorEvaluation.Run(detector, EvaluationSet.Of(scenes, SyntheticShapes.Classes), progress: progress);
        var match = new CategoryMatch(detector.Classes, evaluation.Truth.Categories);
        List<FoundObject> found = [.. Enumerable.Range(0, 3)
            .SelectMany(i => detector.Detect(scenes.Read(i, 0).Image).Select(o => match.ToFound(o, i + 1)!))];
        Assert.That(evaluation.Results.Objects, Is.EqualTo(found));
        Assert.That(evaluation.Boxes.Figures, Is.EqualTo(CocoEvaluation.Of(evaluation.Truth, new EvaluationResults(found), EvaluationKind.Box).Figures));
        Assert.That(evaluation.Boxes.Figures[1].Value, Is.GreaterThan(0.5), "the shipped model's AP50");
        Assert.That(evaluation.Problems.Total, Is.Zero);
        Assert.That(evaluation.DetectionTime, Is.GreaterThan(TimeSpan.Zero));
        Assert.That(progress.Done, Is.EqualTo(new[] { "1 of 3: the scene of seed 500000", "2 of 3: the scene of seed 500001", "3 of 3: the scene of seed 500002" }));
    }

    [Test]
    public void Pictures_that_can_not_be_read_are_left_out_and_named()
    {
        var set = EvaluationSet.Of(
            EvaluationTruth.Of(scenes, Categories(SyntheticShapes.Classes)),
            i => i == 1 ? throw new PictureException("'b.png' is damaged.") : scenes.Read(i, 0).Image, i => $"picture {i}");
        var progress = new Recorder();
        var evaluation = DetectorEvaluation.Run(detector, set, progress: progress);
        Assert.That(evaluation.Truth.Pictures.Select(picture => picture.Id), Is.EqualTo(new[] { 1, 3 }));
        Assert.That(evaluation.Problems.Lost(AnnotationPart.Pictures), Is.EqualTo(1));
        Assert.That(evaluation.Problems.Sentences(), Has.Some.Contains("'b.png' is damaged"));
        Assert.That(progress.Done[1], Is.EqualTo("2 of 3: picture 1: 'b.png' is damaged."));
        var broken = EvaluationSet.Of(set.Truth, _ => throw new PictureException("None is there."), i => $"picture {i}");
        Assert.That(() => DetectorEvaluation.Run(detector, broken), Throws.TypeOf<AnnotationException>().With.Message.EqualTo("None of the 3 pictures could be used: None is there."));
    }

    [Test]
    public void An_rpn_is_evaluated_without_classes_and_a_detector_needs_common_ones()
    {
        using var rpn = Detector.Load(Device, options: new ModelOptions { Detector = DetectorKind.ProposalNetwork });
        var set = EvaluationSet.Of(scenes, SyntheticShapes.Classes);
        var evaluation = DetectorEvaluation.Run(rpn, set);
        Assert.That(evaluation.Classes, Is.Null);
        Assert.That(evaluation.Results.AreProposals);
        Assert.That(evaluation.Boxes.ProposalFigures[0].Value, Is.Positive);
        var others = EvaluationSet.Of(scenes, [.. SyntheticShapes.Classes.Select(name => $"my {name}")]);
        Assert.That(() => DetectorEvaluation.Run(detector, others), Throws.TypeOf<AnnotationException>().With.Message.Contains("no class in common"));
        Assert.That(
            () => DetectorEvaluation.Run(rpn, set, new DetectorEvaluationOptions { Proposals = GivenProposals.Of([], 1) }),
            Throws.ArgumentException.With.Property("ParamName").EqualTo("options"));
    }

    [Test]
    public void Cancelling_ends_between_two_pictures()
    {
        using var stop = new CancellationTokenSource();
        var progress = new Recorder { EachTime = stop.Cancel };
        var set = EvaluationSet.Of(scenes, SyntheticShapes.Classes);
        Assert.That(() => DetectorEvaluation.Run(detector, set, progress: progress, cancellation: stop.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(progress.Done, Has.Count.EqualTo(1));
    }

    [Test]
    public void Detections_become_coco_results_and_a_picture()
    {
        var picture = scenes.Read(0, 0).Image;
        var found = detector.Detect(picture);
        var path = Path.GetTempFileName();
        try
        {
            CocoResults.Write(path, [(7, found)]);
            using var json = JsonDocument.Parse(File.ReadAllText(path));
            var first = json.RootElement[0];
            Assert.That(json.RootElement.GetArrayLength(), Is.EqualTo(found.Count));
            Assert.That(first.GetProperty("image_id").GetInt64(), Is.EqualTo(7));
            Assert.That(first.GetProperty("category_id").GetInt64(), Is.EqualTo(found[0].ClassId));
            Assert.That(first.GetProperty("score").GetSingle(), Is.EqualTo(found[0].Score));
            Assert.That(first.GetProperty("bbox")[2].GetSingle(), Is.EqualTo(found[0].BoxImagePx.Width).Within(1e-3));
        }
        finally
        {
            File.Delete(path);
        }
        using var stream = new MemoryStream();
        CocoResults.Write(stream, [(1, [new DetectedObject("zebra", 3, 0.5f, new Box(1, 2, 3, 5))]), (2, [])]);
        Assert.That(System.Text.Encoding.UTF8.GetString(stream.ToArray()), Does.Contain("\"category_id\":24").And.Contain("\"bbox\":[1,2,2,3]"));
        stream.SetLength(0);
        CocoResults.Write(stream, [(1, found)], o => 100 + o.ClassId);
        Assert.That(System.Text.Encoding.UTF8.GetString(stream.ToArray()), Does.Contain($"\"category_id\":{100 + found[0].ClassId}"));
        Assert.That(() => CocoResults.Write(Path.Join(path, "none", "x.json"), [(1, found)]), Throws.TypeOf<AnnotationException>());

        var plain = picture.Pixels.ToArray();
        picture.Draw(found);
        Assert.That(picture.Pixels, Is.Not.EqualTo(plain));
    }

    private static AnnotatedCategory[] Categories(IEnumerable<string> names) => [.. names.Select((name, i) => new AnnotatedCategory(i + 1, name))];

    private sealed class Recorder : IProgress<EvaluationProgress>
    {
        public List<string> Done { get; } = [];

        public Action EachTime { get; init; } = () => { };

        public void Report(EvaluationProgress value)
        {
            Done.Add($"{value.Done} of {value.Total}: {value.Picture}{(value.Error is { } error ? $": {error.Message}" : "")}");
            EachTime();
        }
    }
}
