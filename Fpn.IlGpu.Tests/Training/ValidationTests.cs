using System.Text.Json;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Validation while training: it changes no weight, survives an interruption, and ends a run that no longer improves.</summary>
internal sealed class ValidationTests : TrainingFolderTests
{
    private const int Steps = 5;

    [Test]
    public void Validation_does_not_change_the_trained_weights()
    {
        using (var plain = OpenTrainer(Tiny(), Folder, At("plain"), resume: false))
            Assert.That(plain.Run().Count(step => step.Validation is null), Is.EqualTo(Steps));
        var figures = Run(Tiny(every: 1), "validated");

        Assert.That(figures, Has.Count.EqualTo(Steps));
        Assert.That(Bytes("validated/model.safetensors"), Is.EqualTo(Bytes("plain/model.safetensors")));
        Assert.That(
            TrainingTable.Read(At("validated/training.csv")).ValuesOf("loss"), Is.EqualTo(TrainingTable.Read(At("plain/training.csv")).ValuesOf("loss")));
    }

    [Test]
    public void A_resumed_run_keeps_the_best_figure_and_ends_with_the_same_files()
    {
        Run(Tiny(every: 2), "whole");
        using (var trainer = OpenTrainer(Tiny(every: 2), Folder, At("stopped"), resume: false))
        {
            foreach (var step in trainer.Run())
            {
                if (step.Step == 3)
                    break;
            }
        }
        using (var trainer = OpenTrainer(Tiny(every: 2), Folder, At("stopped"), resume: true))
        {
            Assert.That((trainer.StepsDone, trainer.BestStep), Is.EqualTo((3, 2)));
            Assert.That(trainer.Run().Select(step => (step.Step, step.Validation is null)), Is.EqualTo([(4, false), (5, false)]));
        }
        AssertSame("stopped", "whole");
    }

    [Test]
    public void A_validation_that_was_stopped_is_done_again_when_the_run_is_resumed()
    {
        Run(Tiny(every: 2), "whole");
        using var stop = new CancellationTokenSource();
        var progress = new Watched(value =>
        {
            if (value is { Work: TrainerWork.Validating, Done: 1 })
                stop.Cancel();
        });
        using (var trainer = Open(Tiny(every: 2), "stopped", resume: false, progress))
        {
            Assert.That(trainer.Run(stop.Token).Select(step => (step.Step, step.Validation is null)), Is.EqualTo([(1, true), (2, true)]));
            Assert.That((trainer.BestStep, trainer.IsFinished), Is.EqualTo(((int?)null, false)));
        }
        using (var trainer = OpenTrainer(Tiny(every: 2), Folder, At("stopped"), resume: true))
        {
            Assert.That(
                trainer.Run().Select(step => (step.Step, step.Validation is null)), Is.EqualTo([(2, false), (3, true), (4, false), (5, false)]));
        }
        AssertSame("stopped", "whole");
    }

    [Test]
    public void A_run_without_patience_left_ends_and_stays_ended()
    {
        // Nothing changes, so that no validation is better than the first one.
        var configuration = Tiny(every: 1, patience: 2) with
        {
            Network = Tiny().Network with { BatchNorm = NormTraining.Frozen },
            Schedule = Tiny().Schedule with { LearningRate = 1e-12f, WeightDecay = 0 },
        };
        var figures = Run(configuration, "run");

        Assert.That(figures.Select(validation => (validation.Step, validation.IsBest)), Is.EqualTo([(1, true), (2, false), (3, false)]));
        using var trainer = OpenTrainer(configuration, Folder, At("run"), resume: true);
        Assert.That((trainer.IsFinished, trainer.IsOutOfPatience, trainer.StepsDone), Is.EqualTo((true, true, 3)));
        Assert.That(trainer.Run(), Is.Empty);
    }

    [Test]
    public void The_best_model_is_kept_beside_the_last()
    {
        var best = Run(Tiny(every: 1), "run").Last(validation => validation.IsBest);
        var models = new Dictionary<int, byte[]>();
        using var trainer = OpenTrainer(Tiny(), Folder, At("again"), resume: false);
        foreach (var step in trainer.Run())
            models.Add(step.Step, Bytes("again/model.safetensors"));

        Assert.That(models.Single(model => model.Value.SequenceEqual(Bytes("run/best.safetensors"))).Key, Is.EqualTo(best.Step));
        Assert.That(models[Steps], Is.EqualTo(Bytes("run/model.safetensors")));
    }

    [Test]
    public void Each_checkpoint_has_a_model_so_that_a_stopped_run_has_one()
    {
        using var trainer = OpenTrainer(Tiny(), Folder, At("run"), resume: false);
        foreach (var step in trainer.Run())
        {
            if (step.Step == 2)
                break;
        }
        using var detector = Detector.Load(Device, trainer.ModelPath);
        Assert.That(detector.Classes, Is.EqualTo(trainer.Detector.Classes));
    }

    [Test]
    public void A_run_in_epochs_is_validated_after_every_so_many_of_them()
    {
        var schedule = Tiny().Schedule with { Steps = null, Epochs = 3 };
        var validation = new TrainingValidation { Share = 0.25, EveryEpochs = 2 };
        using var trainer = OpenTrainer(Tiny() with { Schedule = schedule, Validation = validation }, Folder, At("run"), resume: false);
        // 6 of 8 pictures are trained on, in batches of 2.
        Assert.That(trainer.Description, Does.Contain("6 pictures and 2 to validate"));
        Assert.That(trainer.Steps, Is.EqualTo(9));
        Assert.That(trainer.Run().Where(step => step.Validation is not null).Select(step => step.Step), Is.EqualTo([6, 9]));
    }

    [TestCase(DetectorKind.MaskRcnn, new[] { "AP", "AP50", "mask AP", "mask AP50" })]
    [TestCase(DetectorKind.ProposalNetwork, new[] { "AR@1000", "AR@100" })]
    public void Each_detector_has_its_figures(string detector, string[] names)
    {
        var configuration = Tiny(every: 1) with
        {
            Schedule = Tiny().Schedule with { Steps = 1 },
            Model = JsonElement.Parse($$"""{ "detector": "{{detector}}", "min_size": 64, "max_size": 64, "anchor_sizes": [8, 16, 32, 64, 128] }"""),
        };
        var figures = Run(configuration, "run").Single().Figures;
        Assert.That(figures.Select(figure => figure.Name), Is.EqualTo(names));
        Assert.That(figures.Select(figure => figure.Value), Is.All.InRange(0, 1));
    }

    [Test]
    public void Other_validation_pictures_are_refused_when_a_run_is_resumed()
    {
        Run(Tiny(every: 1) with { Schedule = Tiny().Schedule with { Steps = 1 } }, "run");
        var other = Tiny(every: 1) with { Validation = new TrainingValidation { Shapes = Shapes(500, 3), Every = 1 } };
        Assert.That(
            () => OpenTrainer(other, Folder, At("run"), resume: true),
            Throws.TypeOf<TrainingException>().With.Message.Contains("with other validation pictures"));
        using var without = OpenTrainer(Tiny(), Folder, At("run"), resume: true);
        Assert.That(without.StepsDone, Is.EqualTo(1));
    }

    private List<ValidationResult> Run(TrainingConfiguration configuration, string folder)
    {
        using var trainer = OpenTrainer(configuration, Folder, At(folder), resume: false);
        var figures = trainer.Run().Select(step => step.Validation).OfType<ValidationResult>().ToList();
        Assert.That(trainer.IsFinished, Is.True);
        return figures;
    }

    private Trainer Open(TrainingConfiguration configuration, string folder, bool resume, IProgress<TrainerProgress> progress)
        => Trainer.Open(Device, configuration, Folder, At(folder), resume, SceneTraining.ScenesOf(configuration), progress: progress);

    private void AssertSame(string folder, string other)
    {
        foreach (var file in (string[])["model.safetensors", "best.safetensors", "checkpoint.safetensors"])
            Assert.That(Bytes($"{folder}/{file}"), Is.EqualTo(Bytes($"{other}/{file}")), file);
        foreach (var column in (string[])["step", "loss", "AP", "AP50"])
            Assert.That(TrainingTable.Read(At($"{folder}/training.csv")).ValuesOf(column), Is.EqualTo(TrainingTable.Read(At($"{other}/training.csv")).ValuesOf(column)), column);
    }

    private string At(string path) => Path.Combine(Folder, path);

    private byte[] Bytes(string path) => File.ReadAllBytes(At(path));

    private static TrainingConfiguration Tiny(int? every = null, int? patience = null) => new()
    {
        Data = new TrainingData { Shapes = Shapes(77, 8) },
        Network = new NetworkLayout { Layout = "resnet18", Widths = [8, 8, 8, 8], PyramidChannels = 16, HeadChannels = 16, MaskChannels = 8 },
        Schedule = new TrainingSchedule { Steps = Steps, Batch = 2, WarmupSteps = 0, LearningRate = 0.01f, CheckpointEvery = 1 },
        Validation = every is null ? null : new TrainingValidation { Shapes = Shapes(900, 3), Every = every, Patience = patience },
        Rpn = new ProposalTraining { PreNmsTopN = 100, PostNmsTopN = 50, Samples = 32 },
        BoxHead = new BoxTraining { Samples = 16 },
        Model = JsonElement.Parse("""{ "min_size": 64, "max_size": 64, "anchor_sizes": [8, 16, 32, 64, 128] }"""),
    };

    private static ShapesData Shapes(int firstSeed, int count) => new() { Width = 64, Height = 64, FirstSeed = firstSeed, Count = count, Largest = 50 };

    /// <summary>Calls an action for each report, at once and on the thread that reports.</summary>
    private sealed class Watched(Action<TrainerProgress> watch) : IProgress<TrainerProgress>
    {
        public void Report(TrainerProgress value) => watch(value);
    }
}
