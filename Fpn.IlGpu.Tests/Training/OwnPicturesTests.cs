using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Training from code, on pictures that no file holds.</summary>
internal sealed class OwnPicturesTests
{
    private string folder = "";
    private Device device = null!;

    [SetUp]
    public void Open()
    {
        folder = Directory.CreateTempSubdirectory("fpn-own-").FullName;
        device = Device.Open("cpu");
    }

    [TearDown]
    public void Close()
    {
        device.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public void A_loop_over_own_pictures_trains_validates_and_saves()
    {
        var pictures = new TrainingPictures(new Squares(), ["square"]) { Validation = new Squares() };
        var losses = new List<float>();
        IReadOnlyList<DetectedObject> trained;
        using (var trainer = Trainer.Open(device, Tiny(), pictures, folder))
        {
            foreach (var step in trainer.Run())
            {
                losses.Add(step.Loss);
                Assert.That(step.Validation is not null, Is.EqualTo(step.Step is 2 or 4));
            }
            trained = trainer.Detector.Detect(new Squares().Read(0, 0).Image);
            Checkpoint.Save(trainer.CopyWeights(), Path.Join(folder, "mine.safetensors"));
            Assert.That(trainer.Best!.Value.Name, Is.EqualTo("AP"));
        }
        Assert.That(losses, Has.Count.EqualTo(4));
        using var detector = Detector.Load(device, Path.Join(folder, "mine.safetensors"));
        Assert.That(detector.Classes, Is.EqualTo(new[] { "background", "square" }));
        Assert.That(detector.Configuration.MinSize, Is.EqualTo(64));
        var found = detector.Detect(new Squares().Read(0, 0).Image);
        Assert.That(found.Select(o => o.Score), Is.EqualTo(trained.Select(o => o.Score)).Within(1e-5));
        using var again = Trainer.Open(device, Tiny(), pictures, folder, resume: true);
        Assert.That(again.IsFinished);
    }

    [Test]
    public void A_source_of_two_members_has_the_others_by_default()
    {
        IPictureSource source = new Squares();
        Assert.That((source.IdOf(2), source.NameOf(2), source.IsWide(2)), Is.EqualTo((3, "picture 3", false)));
    }

    [Test]
    public void Invalid_configurations_are_refused_also_when_no_file_has_them()
    {
        var pictures = new TrainingPictures(new Squares(), ["square"]);
        var noBatch = Tiny() with { Validation = null, Schedule = new TrainingSchedule { Steps = 4, Batch = 0 } };
        Assert.That(() => Trainer.Open(device, noBatch, pictures, folder), Throws.TypeOf<TrainingException>().With.Message.Contains("batch"));
        Assert.That(
            () => Trainer.Open(device, Tiny(), pictures, folder), Throws.TypeOf<AnnotationException>().With.Message.Contains("TrainingPictures.Validation"));
        Assert.That(
            () => Trainer.Open(device, new TrainingConfiguration(), ".", folder, resume: false),
            Throws.TypeOf<TrainingException>().With.Message.Contains("exactly one of 'shapes', 'coco' and 'voc'"));
        Assert.That(() => TrainingConfiguration.Parse("{}"), Throws.TypeOf<TrainingException>().With.Message.Contains("data"));
    }

    [Test]
    public void A_models_settings_become_the_keys_that_differ()
    {
        var configuration = new TrainingConfiguration().WithModel(
            new ModelConfiguration { Detector = DetectorKind.RetinaNet, MinSize = 320, AnchorSizes = [[8, 16], [32, 64]] });
        Assert.That(
            configuration.Model!.Value.GetRawText(),
            Is.EqualTo("""{ "detector": "retinanet", "anchor_sizes": [[8,16],[32,64]], "min_size": 320 }"""));
    }

    private static TrainingConfiguration Tiny() => new TrainingConfiguration
    {
        Network = new NetworkLayout { Layout = "resnet18", Widths = [8, 8, 8, 8], PyramidChannels = 16, HeadChannels = 16 },
        Schedule = new TrainingSchedule { Steps = 4, Batch = 2, WarmupSteps = 2 },
        Rpn = new ProposalTraining { PreNmsTopN = 100, PostNmsTopN = 50, Samples = 32 },
        BoxHead = new BoxTraining { Samples = 16 },
        Validation = new TrainingValidation { Every = 2 },
    }.WithModel(new ModelConfiguration { MinSize = 64, MaxSize = 64, AnchorSizes = [[8], [16], [32], [64], [128]] });

    // White squares on black.
    private sealed class Squares : IPictureSource
    {
        public int Count => 4;

        public SourcePicture Read(int index, long epoch)
        {
            var image = new RgbImage(64, 64);
            for (var y = 10; y < 40; y++)
                image.Pixels.AsSpan((y * 64 + 4 * index) * 3, 30 * 3).Fill(255);
            return new SourcePicture(image, [new AnnotatedObject(new Box(4 * index, 10, 4 * index + 30, 40), 0)]);
        }
    }
}
