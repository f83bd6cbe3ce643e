using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Experiments;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Whole training runs, with a network and pictures small enough for a test.</summary>
internal sealed class TrainerTests : TrainingFolderTests
{
    private const int Scenes = 8;

    [Test]
    public void Eight_pictures_are_learned_by_heart()
    {
        var configuration = ByHeart(steps: 220, smallest: 32);
        using (var trainer = OpenTrainer(configuration, Folder, Folder, resume: false))
            TestContext.Out.WriteLine($"last loss {trainer.Run().Last().Loss}");

        using var detector = Detector.Load(Device, Path.Combine(Folder, "model.safetensors"));
        Assert.That(AveragePrecision(detector, configuration, EvaluationKind.Box), Is.GreaterThan(0.95));
    }

    [Test]
    public void RetinaNet_learns_eight_pictures_by_heart()
    {
        var configuration = ByHeart(steps: 150, smallest: 24) with
        {
            // Group norms make the towers learn from the first step; without them this takes many times as many.
            Network = Tiny(1).Network with { Generation = 2 },
            Model = System.Text.Json.JsonElement.Parse("""
                {
                  "detector": "retinanet", "min_size": 96, "max_size": 192,
                  "anchor_sizes": [[12, 16, 20], [24, 32, 40], [48, 64, 80], [96, 128, 160], [192, 256, 320]]
                }
                """),
        };
        using var trainer = OpenTrainer(configuration, Folder, Folder, resume: false);
        TestContext.Out.WriteLine($"last loss {trainer.Run().Last().Loss}");
        // Without a file between: the network that was trained detects.
        Assert.That(AveragePrecision(trainer.Detector, configuration, EvaluationKind.Box), Is.GreaterThan(0.95));
    }

    [Test]
    public void Mask_rcnn_learns_eight_pictures_by_heart()
    {
        // A pixel of a small object's outline costs much of its IoU, and a mask has 28 × 28 px.
        var configuration = ByHeart(steps: 200, smallest: 44) with
        {
            Network = Tiny(1).Network with { MaskChannels = 32 },
            Model = System.Text.Json.JsonElement.Parse(
                """{ "detector": "mask-rcnn", "min_size": 96, "max_size": 192, "anchor_sizes": [8, 16, 32, 64, 128] }"""),
        };
        using var trainer = OpenTrainer(configuration, Folder, Folder, resume: false);
        TestContext.Out.WriteLine($"last loss {trainer.Run().Last().Loss}");
        Assert.That(AveragePrecision(trainer.Detector, configuration, EvaluationKind.Box), Is.GreaterThan(0.95));
        Assert.That(AveragePrecision(trainer.Detector, configuration, EvaluationKind.Mask), Is.GreaterThan(0.95));
    }

    [Test]
    public void Mask_proposals_of_eight_pictures_are_learned_by_heart()
    {
        var configuration = ByHeart(steps: 120, smallest: 32) with
        {
            Network = Tiny(1).Network with { Widths = [8, 16, 16, 16], PyramidChannels = 16, WindowChannels = 32 },
            Model = System.Text.Json.JsonElement.Parse(
                """{ "detector": "mask-proposals", "min_size": 96, "max_size": 192, "anchor_sizes": [8, 16, 32, 64, 128] }"""),
        };
        using var trainer = OpenTrainer(configuration, Folder, Folder, resume: false);
        TestContext.Out.WriteLine($"last loss {trainer.Run().Last().Loss}");
        var scenes = new EvaluatedScenes(configuration.Data.Shapes!);
        var figures = CocoEvaluation.Of(
            scenes.Truth, scenes.Propose(trainer.Detector, CancellationToken.None), EvaluationKind.Mask).ProposalFigures;
        TestContext.Out.WriteLine(string.Join(", ", figures.Select(f => $"{f.Name} {f.Value:F3}")));
        Assert.That(figures.Single(f => f.Name == "AR@100 all").Value, Is.GreaterThan(0.8));
    }

    [Test]
    public void A_resumed_run_ends_with_the_same_weights_as_an_uninterrupted_run()
    {
        var configuration = Tiny(steps: 6) with { Schedule = Tiny(6).Schedule with { CheckpointEvery = 2 } };
        var (whole, stopped) = (Path.Combine(Folder, "whole"), Path.Combine(Folder, "stopped"));
        Run(configuration, whole);
        // Three steps, the last of them lost: the checkpoint is of the second.
        using (var trainer = OpenTrainer(configuration, Folder, stopped, resume: false))
        {
            foreach (var step in trainer.Run())
            {
                if (step.Step == 3)
                    break;
            }
        }
        using (var trainer = OpenTrainer(configuration, Folder, stopped, resume: true))
        {
            Assert.That(trainer.StepsDone, Is.InRange(2, 3));
            Assert.That(trainer.Run().Last().Step, Is.EqualTo(6));
        }
        foreach (var file in (string[])["model.safetensors", "checkpoint.safetensors"])
            Assert.That(File.ReadAllBytes(Path.Combine(stopped, file)), Is.EqualTo(File.ReadAllBytes(Path.Combine(whole, file))), file);
        Assert.That(Steps(stopped), Is.EqualTo(Steps(whole)));
    }

    [Test]
    public void The_same_seed_gives_the_same_weights_and_another_seed_others()
    {
        var (a, b, other) = (Path.Combine(Folder, "a"), Path.Combine(Folder, "b"), Path.Combine(Folder, "other"));
        Run(Tiny(2), a);
        Run(Tiny(2), b);
        Run(Tiny(2) with { Seed = 1 }, other);
        var model = File.ReadAllBytes(Path.Combine(a, "model.safetensors"));
        Assert.That(File.ReadAllBytes(Path.Combine(b, "model.safetensors")), Is.EqualTo(model));
        Assert.That(File.ReadAllBytes(Path.Combine(other, "model.safetensors")), Is.Not.EqualTo(model));
    }

    [Test]
    public void A_checkpoint_of_another_configuration_is_refused()
    {
        Run(Tiny(1), Folder);
        Assert.That(
            () => OpenTrainer(Tiny(1) with { Seed = 3 }, Folder, Folder, resume: true),
            Throws.TypeOf<TrainingException>().With.Message.Contains("another configuration ('seed')"));
    }

    [Test]
    public void An_existing_run_is_not_replaced()
    {
        Run(Tiny(1), Folder);
        Assert.That(
            () => OpenTrainer(Tiny(2), Folder, Folder, resume: false),
            Throws.TypeOf<TrainingException>().With.Message.Contains("--resume"));
    }

    [Test]
    public void Resuming_without_a_checkpoint_is_refused() => Assert.That(
        () => OpenTrainer(Tiny(1), Folder, Folder, resume: true),
        Throws.TypeOf<TrainingException>().With.Message.Contains("checkpoint.safetensors"));

    [Test]
    public void A_rate_that_is_far_too_high_stops_the_run_and_names_the_layer()
    {
        var schedule = Tiny(50).Schedule with { LearningRate = 1e20f, WarmupSteps = 0, GradientNorm = 0, CheckpointEvery = 1 };
        using var trainer = OpenTrainer(Tiny(50) with { Schedule = schedule }, Folder, Folder, resume: false);
        var e = Assert.Throws<TrainingException>(() => trainer.Run().Last())!;
        Assert.That(e.Message, Does.Match(
            @"^In step [23], at a learning rate of 9\.99E\+19, (the loss '.*'|the norm of the gradients) is not finite; "
            + @"the first value that is not finite is .* of '(backbone|rpn|roi_heads)\.[a-z0-9_.]+[a-z0-9]'\. "
            + @"Try a lower 'schedule\.learning_rate', "));
        Assert.That(e.Message, Does.EndWith($"{trainer.CheckpointPath} holds the state before the failure."));
    }

    [TestCase("backbone.body.layer3.0.conv2.weight", float.NaN, "a weight of 'backbone.body.layer3.0.conv2'")]
    [TestCase("backbone.body.layer2.1.bn1.bias", float.PositiveInfinity, "a weight of 'backbone.body.layer2.1.bn1'")]
    [TestCase("rpn.head.conv.0.0.weight", 3e38f, "in the forward pass, in the output of 'rpn.head.conv.0.0'")]
    public void The_first_layer_with_a_value_that_is_not_finite_is_named(string parameter, float value, string where)
    {
        using var trainer = OpenTrainer(Tiny(2), Folder, Folder, resume: false);
        Put(trainer, parameter, value);
        Assert.That(
            () => trainer.Run().Last(),
            Throws.TypeOf<TrainingException>().With.Message.StartsWith("In step 1, at a learning rate of 0.0015, the loss '")
                .And.Message.Contains($"' is not finite; the first value that is not finite is {where}. Try"));
    }

    [Test]
    public void Gradients_too_large_for_a_step_stop_it_before_any_weight_changes()
    {
        using var trainer = OpenTrainer(Tiny(2), Folder, Folder, resume: false);
        // Such a level passes nothing forward, but huge gradients back.
        for (var l = 0; l < 4; l++)
        {
            Put(trainer, $"backbone.fpn.inner_blocks.{l}.0.weight", 0);
            Put(trainer, $"backbone.fpn.layer_blocks.{l}.0.weight", 1e30f);
        }
        var before = trainer.Parameters.All.Where(p => p.IsTrained).Select(p => p.ToTensor().ToArray()).ToList();
        Assert.That(
            () => trainer.Run().Last(),
            Throws.TypeOf<TrainingException>()
                .With.Message.Contains("the norm of the gradients is not finite; all weights, outputs"));
        Assert.That(trainer.Parameters.All.Where(p => p.IsTrained).Select(p => p.ToTensor().ToArray()), Is.EqualTo(before));
    }

    [Test]
    public void Other_classes_keep_all_weights_but_those_of_the_class_layers()
    {
        Run(Tiny(1), Folder);
        var start = Tiny(1) with { Network = Tiny(1).Network with { Weights = "model.safetensors" } };
        using var weights = StartingWeights.Open(start.Network, Folder);
        var five = start.ModelConfiguration(["a", "b", "c", "d"], weights);
        using var network = new DetectorNetwork(DetectorLayouts.Of(start.Network, five));
        using var state = InitialWeights.Of(network, start, five, weights, out var loaded);
        using var before = Safetensors.Open(Path.Combine(Folder, "model.safetensors"));
        foreach (var tensor in state.Tensors.Values)
        {
            var isClassLayer = tensor.Name.Contains("box_predictor", StringComparison.Ordinal);
            Assert.That(tensor.Shape.SequenceEqual(before[tensor.Name].Shape), Is.EqualTo(!isClassLayer), tensor.Name);
            if (!isClassLayer)
                Assert.That(tensor.ToArray(), Is.EqualTo(before[tensor.Name].ToArray()), tensor.Name);
        }
        Assert.That(loaded!.Loaded, Has.Count.EqualTo(state.Tensors.Count - 4));
    }

    private static TrainingConfiguration Tiny(int steps) => new()
    {
        Data = new TrainingData { Shapes = Shapes(64) },
        Network = new NetworkLayout { Layout = "resnet18", Widths = [16, 32, 64, 64], PyramidChannels = 32, HeadChannels = 64 },
        Schedule = new TrainingSchedule { Steps = steps, Batch = Scenes, WarmupSteps = 20, LearningRate = 0.03f, CheckpointEvery = 1000 },
        Rpn = new ProposalTraining { PreNmsTopN = 200, PostNmsTopN = 100, Samples = 128 },
        BoxHead = new BoxTraining { Samples = 64 },
        Model = System.Text.Json.JsonElement.Parse("""{ "min_size": 96, "max_size": 192, "anchor_sizes": [8, 16, 32, 64, 128] }"""),
    };

    private static TrainingConfiguration ByHeart(int steps, int smallest)
    {
        var tiny = Tiny(steps);
        return tiny with
        {
            Data = new TrainingData { Shapes = Shapes(96) with { Smallest = smallest }, Flip = false },
            Schedule = tiny.Schedule with { LearningRate = 0.05f },
        };
    }

    private static ShapesData Shapes(int side) => new() { Width = side, Height = side, FirstSeed = 77, Count = Scenes };

    private static void Put(Trainer trainer, string name, float value)
    {
        var parameter = trainer.Parameters.All.Single(p => p.Name == name);
        var values = parameter.ToTensor().ToArray();
        values.AsSpan().Fill(value);
        parameter.Restore(values, new float[values.Length]);
        trainer.Parameters.Changed();
    }

    private void Run(TrainingConfiguration configuration, string into)
    {
        using var trainer = OpenTrainer(configuration, Folder, into, resume: false);
        Assert.That(trainer.Run().Last().Step, Is.EqualTo(configuration.Schedule.Steps));
    }

    private static IReadOnlyList<(int Step, double Loss)> Steps(string run)
        => TrainingTable.Read(Path.Combine(run, "training.csv")).ValuesOf(TrainingTable.Loss);

    private static double AveragePrecision(Detector detector, TrainingConfiguration configuration, EvaluationKind kind)
    {
        var scenes = new EvaluatedScenes(configuration.Data.Shapes!);
        var figures = CocoEvaluation.Of(scenes.Truth, scenes.Detect(detector, proposals: null, CancellationToken.None), kind).Figures;
        TestContext.Out.WriteLine(string.Join(", ", figures.Select(f => $"{f.Name} {f.Value:F3}")));
        return figures[0].Value;
    }
}
