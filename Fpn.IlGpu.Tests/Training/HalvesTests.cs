using System.Text.Json;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>The two halves of Faster R-CNN, each trained alone: the RPN, and Fast R-CNN on proposals from a file.</summary>
internal sealed class HalvesTests : TrainingFolderTests
{
    [Test]
    public void An_rpn_trained_alone_has_only_its_losses_and_loads_as_a_proposal_network()
    {
        var losses = Train(Tiny("rpn"), "rpn");
        Assert.That(losses, Is.EqualTo(new[] { "rpn objectness", "rpn boxes" }));
        using var detector = Detector.Load(Device, At("rpn/model.safetensors"));
        Assert.That(detector, Is.TypeOf<ProposalNetwork>());
        Assert.That(detector.Weights.Unused, Is.Empty);
        Assert.That(detector.Detect(Scene(0).Image), Is.Not.Empty);
    }

    [Test]
    public void Fast_rcnn_trains_on_given_proposals_and_classifies_given_regions()
    {
        WriteProposals("proposals.json", [1, 2, 3, 4]);
        var losses = Train(Tiny("fast-rcnn", At("proposals.json"), steps: 120), "fast");
        Assert.That(losses, Is.EqualTo(new[] { "box classes", "box deltas" }));
        using var detector = (FastRcnn)Detector.Load(Device, At("fast/model.safetensors"));
        Assert.That(detector, Is.TypeOf<FastRcnn>());
        Assert.That(detector.Weights.Unused, Is.Empty);

        var scene = Scene(0);
        var truth = scene.Shapes[0];
        var found = detector.Detect(scene.Image, [new Box(truth.X1 + 1, truth.Y1 - 1, truth.X2 + 1, truth.Y2 - 1)]);
        Assert.That(found[0].Label, Is.EqualTo(SyntheticShapes.Classes[truth.ClassIndex]), "the class that it was trained on");
        Assert.That(detector.Detect(scene.Image, []), Is.Empty);
        Assert.That(() => detector.Detect(scene.Image), Throws.InvalidOperationException.With.Message.Contains("proposals"));
    }

    [Test]
    public void Faster_rcnn_also_classifies_given_regions()
    {
        using var detector = (FasterRcnn)Detector.Load(Device);
        var image = SyntheticShapes.Scene(500_000, 320, 320).Image;
        var own = detector.Detect(image);
        var given = detector.Detect(image, [.. own.Select(o => o.BoxImagePx)]);
        foreach (var sure in own.Where(o => o.Score > 0.9f))
            Assert.That(given, Has.Some.Matches<DetectedObject>(o => o.ClassId == sure.ClassId && o.Score > 0.5f));
        Assert.That(detector.Detect(image, [own[0].BoxImagePx]), Has.Count.InRange(1, own.Count - 1), "no objects elsewhere");
        // The detector keeps nothing of the given regions.
        Assert.That(detector.Detect(image), Is.EqualTo(own));
    }

    [Test]
    public void Proposals_are_mirrored_and_resized_with_their_sample()
    {
        var found = new FoundObject(7, null, 0.5, new CocoBox(10, 20, 30, 40), 1200);
        var better = found with { Score = 0.9, BoxImagePx = new CocoBox(0, 0, 10, 10) };
        var given = GivenProposals.Of([found, better], most: 2);
        var sample = new TrainingSample(new RgbImage(100, 80, new byte[100 * 80 * 3]), ResizedH: 40, ResizedW: 200, [], Index: 0);
        Assert.That(given.OfSample(sample, 7), Is.EqualTo(new[] { new Box(0, 0, 20, 5), new Box(20, 10, 80, 30) }));
        Assert.That(given.OfSample(sample with { IsMirrored = true }, 7)[1], Is.EqualTo(new Box(120, 10, 180, 30)));
        Assert.That(given.OfSample(sample, 8), Is.Empty);
        Assert.That(GivenProposals.Of([found, better], most: 1).OfPicture(7), Has.Count.EqualTo(1));
    }

    [TestCase("fast-rcnn", null, "data.proposals")]
    [TestCase("faster-rcnn", "proposals.json", "data.proposals")]
    public void Detectors_and_proposals_that_do_not_fit_are_refused(string detector, string? proposals, string expected)
    {
        WriteProposals("proposals.json", [1]);
        Assert.That(
            () => OpenTrainer(Tiny(detector, proposals), Folder, At("run"), resume: false),
            Throws.TypeOf<TrainingException>().With.Message.Contains(expected));
    }

    [Test]
    public void Proposals_of_other_pictures_are_refused()
    {
        WriteProposals("proposals.json", [99]);
        Assert.That(
            () => OpenTrainer(Tiny("fast-rcnn", "proposals.json"), Folder, At("run"), resume: false),
            Throws.TypeOf<AnnotationException>().With.Message.Contains("picture 99"));
    }

    private static TrainingConfiguration Tiny(string detector, string? proposals = null, int steps = 2) => new()
    {
        Data = new TrainingData
        {
            Shapes = new ShapesData { Width = 64, Height = 64, FirstSeed = 77, Count = 4 },
            Flip = false,
            Proposals = proposals,
        },
        Network = new NetworkLayout { Layout = "resnet18", Widths = [16, 16, 16, 16], PyramidChannels = 16, HeadChannels = 32 },
        Schedule = new TrainingSchedule { Steps = steps, Batch = 4, WarmupSteps = 10, LearningRate = 0.03f, CheckpointEvery = 1000 },
        Rpn = new ProposalTraining { PreNmsTopN = 200, PostNmsTopN = 100, Samples = 64 },
        BoxHead = new BoxTraining { Samples = 32 },
        Model = JsonElement.Parse(
            $$"""{ "detector": "{{detector}}", "min_size": 64, "max_size": 64, "anchor_sizes": [8, 16, 32, 64, 128] }"""),
    };

    private static SyntheticScene Scene(int index) => SyntheticShapes.Scene((ulong)(77 + index), 64, 64);

    private string At(string name) => Path.Combine(Folder, name);

    private string[] Train(TrainingConfiguration configuration, string run)
    {
        using var trainer = OpenTrainer(configuration, Folder, At(run), resume: false);
        return [.. trainer.Run().Last().Losses.Select(loss => loss.Key)];
    }

    // Around every true box, some that fit well and some that don't.
    private void WriteProposals(string name, long[] pictures)
    {
        var found = pictures.SelectMany(id => Scene((int)(id - 1) % 4).Shapes.SelectMany(s => Enumerable.Range(-8, 17).Select(d =>
            new FoundObject(id, null, 1 - Math.Abs(d) / 10.0, new CocoBox(s.X1 + d, s.Y1 - d, s.X2 - s.X1, s.Y2 - s.Y1), 1))));
        using var stream = File.Create(At(name));
        new EvaluationResults([.. found]).Write(stream);
    }
}
