using Fpn.IlGpu.Experiments;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

internal sealed class TrainingConfigurationTests
{
    private const string Shapes = """ "data": { "shapes": {} } """;

    [Test]
    public void Absent_keys_have_the_values_of_the_paper()
    {
        var configuration = TrainingConfiguration.Parse($$"""{ {{Shapes}} }""");
        Assert.That(configuration.Rpn.Samples, Is.EqualTo(256));
        Assert.That(configuration.BoxHead.Samples, Is.EqualTo(512));
        Assert.That((configuration.Rpn.PositiveIou, configuration.Rpn.NegativeIou), Is.EqualTo((0.7f, 0.3f)));
        Assert.That(configuration.MaskProposals, Is.EqualTo(new MaskProposalTraining { Samples = 128, PositiveShare = 0.25f, MaskWeight = 10 }));
        Assert.That(configuration.Network.Windows, Is.EqualTo((int[])[5, 7]));
        Assert.That((configuration.Network.WindowChannels, configuration.Network.MaskSide), Is.EqualTo((512, 14)));
        Assert.That((configuration.Schedule.Momentum, configuration.Schedule.WeightDecay), Is.EqualTo((0.9f, 1e-4f)));
    }

    [Test]
    public void Comments_are_allowed_and_the_round_trip_through_JSON_is_exact()
    {
        var configuration = TrainingConfiguration.Parse(
            $$"""
            {
              // Ours.
              {{Shapes}},
              "network": { "layout": "resnet18", "widths": [8, 16, 32, 64], "batch_norm": "frozen" },
              "schedule": { "decay": "steps", "decay_steps": [10, 20] },
              "model": { "min_size": 64 },
            }
            """);
        Assert.That(configuration.Network.BatchNorm, Is.EqualTo(NormTraining.Frozen));
        Assert.That(configuration.Schedule.Decay, Is.EqualTo(Decay.Steps));
        Assert.That(configuration.ModelConfiguration(["a", "b"]).MinSize, Is.EqualTo(64));
        Assert.That(configuration.ModelConfiguration(["a", "b"]).Classes, Is.EqualTo((string[])["background", "a", "b"]));
        Assert.That(TrainingConfiguration.Parse(configuration.ToJson()).ToJson(), Is.EqualTo(configuration.ToJson()));
    }

    [TestCase("// A comment to the end of the line.\n\"min_size\": 64")]
    [TestCase("/* A comment\n in two lines. */ \"min_size\": 64 // and one after it\n")]
    [TestCase("\"min_size\": 64,")]
    [TestCase("\"anchor_sizes\": [8, // The finest level.\n 16, 32, 64, 128,], \"min_size\": 64")]
    public void Comments_and_trailing_commas_are_allowed_inside_the_model(string model)
    {
        var configuration = TrainingConfiguration.Parse($"{{ {Shapes}, \"model\": {{ {model} }} }}");
        Assert.That(configuration.ModelConfiguration(["a"]).MinSize, Is.EqualTo(64));
        Assert.That(TrainingConfiguration.Parse(configuration.ToJson()).ModelConfiguration(["a"]).MinSize, Is.EqualTo(64), "in a checkpoint");
        var row = PaperTables.Objects.Rows[0].Change.Apply(configuration, DetectorKind.FasterRcnn, null, seed: 1);
        Assert.That(row.ModelConfiguration(["a"]).MinSize, Is.EqualTo(64), "in an ablation");
    }

    [TestCase("{\n  \"data\": { \"shapes\": {} },\n  \"sched\": 1 }", "line 3, column ", "sched")]
    [TestCase("{\n  \"data\": { \"shapes\": {} }\n  \"seed\": 1 }", "line 3, column 3", "")]
    [TestCase("{ \"data\": { \"shapes\": {} }, \"schedule\": { \"steps\": \"many\" } }", "line 1, column ", "whole number")]
    [TestCase("{}", "", "data")]
    [TestCase("[]", "", "")]
    [TestCase("null", "", "JSON object")]
    [TestCase("", "", "")]
    public void Broken_JSON_is_named_with_line_and_column(string json, string place, string what) => Assert.That(
        () => TrainingConfiguration.Parse(json, "run.json"),
        Throws.TypeOf<TrainingException>().With.Message.StartsWith("run.json")
            .And.Message.Contains(place).And.Message.Contains(what).And.Message.Not.Contains("Path:").And.Message.Not.Contains("\n"));

    [TestCase("\"data\": {}", "one of 'shapes', 'coco' and 'voc'")]
    [TestCase("\"data\": { \"shapes\": {}, \"voc\": { \"folder\": \"a\", \"split\": \"b\" } }", "one of 'shapes', 'coco' and 'voc'")]
    [TestCase("\"data\": { \"shapes\": {}, \"shorter_sides\": [1] }", "shorter_sides")]
    [TestCase(Shapes + ", \"network\": { \"layout\": \"vgg19\" }", "'vgg19'")]
    [TestCase(Shapes + ", \"network\": { \"widths\": [1, 2, 3] }", "four numbers")]
    [TestCase(Shapes + ", \"network\": { \"layout\": \"mobilenet_v3_large\", \"widths\": [8, 16, 32, 64] }", "those of mobilenet_v3_large are fixed")]
    [TestCase(Shapes + ", \"network\": { \"frozen_stages\": 2 }", "network.weights")]
    [TestCase(Shapes + ", \"schedule\": { \"steps\": 0 }", "'steps'")]
    [TestCase(Shapes + ", \"schedule\": { \"learning_rate\": 0 }", "learning_rate")]
    [TestCase(Shapes + ", \"schedule\": { \"decay_steps\": [20, 10] }", "decay_steps")]
    [TestCase(Shapes + ", \"schedule\": { \"steps\": 10, \"epochs\": 2 }", "one of 'steps' and 'epochs'")]
    [TestCase(Shapes + ", \"schedule\": { \"epochs\": 0 }", "'schedule.epochs'")]
    [TestCase(Shapes + ", \"schedule\": { \"decay_steps\": [1], \"decay_epochs\": [1] }", "one of 'decay_steps' and 'decay_epochs'")]
    [TestCase(Shapes + ", \"schedule\": { \"decay_epochs\": [2, 2] }", "decay_epochs")]
    [TestCase(Shapes + ", \"validation\": {}", "one of 'shapes', 'coco', 'voc' and 'share'")]
    [TestCase(Shapes + ", \"validation\": { \"share\": 0.1, \"shapes\": {} }", "one of 'shapes', 'coco', 'voc' and 'share'")]
    [TestCase(Shapes + ", \"validation\": { \"share\": 1 }", "'validation.share'")]
    [TestCase(Shapes + ", \"validation\": { \"share\": 0.1, \"every\": 5, \"every_epochs\": 1 }", "one of 'every' (steps) and 'every_epochs'")]
    [TestCase(Shapes + ", \"validation\": { \"share\": 0.1, \"every\": 0 }", "'every'")]
    [TestCase(Shapes + ", \"validation\": { \"share\": 0.1, \"patience\": 0 }", "'patience'")]
    [TestCase(Shapes + ", \"validation\": { \"shapes\": { \"count\": 0 } }", "'validation.shapes' takes a 'count'")]
    [TestCase("\"data\": { \"voc\": { \"folder\": \"a\" } }, \"validation\": { \"shapes\": {} }", "train on 'data.shapes'")]
    [TestCase("\"data\": { \"shapes\": {}, \"proposals\": \"p.json\" }, \"validation\": { \"share\": 0.1 }", "a Fast R-CNN")]
    [TestCase(Shapes + ", \"rpn\": { \"negative_iou\": 0.8 }", "negative_iou")]
    [TestCase(Shapes + ", \"box_head\": { \"samples\": 0 }", "samples")]
    [TestCase(Shapes + ", \"network\": { \"windows\": [5, 6] }", "odd numbers")]
    [TestCase(Shapes + ", \"network\": { \"mask_side\": 0 }", "mask_side")]
    [TestCase(Shapes + ", \"network\": { \"pyramid_channels\": 0 }", "pyramid_channels")]
    [TestCase(Shapes + ", \"mask_proposals\": { \"positive_share\": 2 }", "positive_share")]
    public void Values_that_make_no_sense_are_named(string json, string what) => Assert.That(
        () => TrainingConfiguration.Parse($"{{ {json} }}"), Throws.TypeOf<TrainingException>().With.Message.Contains(what));

    [TestCase("\"seed\": 1.5", "'seed' takes a whole number")]
    [TestCase("\"schedule\": { \"learning_rate\": \"0.1\" }", "'schedule.learning_rate' takes a number")]
    [TestCase("\"schedule\": { \"decay_steps\": 5 }", "'schedule.decay_steps' takes a list")]
    [TestCase("\"schedule\": { \"decay_steps\": [1, null] }", "'schedule.decay_steps[1]' takes a whole number")]
    [TestCase("\"schedule\": { \"decay\": \"linear\" }", "'schedule.decay' takes one of \"none\", \"steps\", \"cosine\"")]
    [TestCase("\"network\": null", "'network' takes an object")]
    [TestCase("\"network\": { \"layout\": 50 }", "'network.layout' takes a string")]
    [TestCase("\"data\": { \"shapes\": {} }", "'data' appears twice")]
    [TestCase("\"model\": { \"min_size\": 1, \"min_size\": 2 }", "'model' appears twice, or has a key twice")]
    public void A_value_of_the_wrong_kind_is_reported_by_its_key(string json, string what) => Assert.That(
        () => TrainingConfiguration.Parse($"{{ {Shapes}, {json} }}", "run.json"),
        Throws.TypeOf<TrainingException>().With.Message.StartsWith("run.json, line 1, column ").And.Message.Contains(": " + what));

    [TestCase("\"coco\": {}", "'data.coco' needs 'annotations', 'pictures'")]
    [TestCase("\"coco\": { \"annotations\": \"a.json\", \"pictures\": null }", "'data.coco.pictures' takes a string")]
    [TestCase("\"shapes\": { \"width\": 20 }", "'width' and 'height' from 21")]
    [TestCase("\"shapes\": { \"count\": 0 }", "'count' of at least 1")]
    [TestCase("\"shapes\": { \"first_seed\": -1 }", "'first_seed' of at least 0")]
    public void Data_settings_that_make_no_sense_are_named(string json, string what) => Assert.That(
        () => TrainingConfiguration.Parse($"{{ \"data\": {{ {json} }} }}"), Throws.TypeOf<TrainingException>().With.Message.Contains(what));

    [TestCase("\"min_sizes\": 5", "There is no configuration key 'min_sizes' (did you mean 'min_size'?)")]
    [TestCase("\"min_size\": \"big\"", "'model' can't be used")]
    [TestCase("\"classes\": [\"a\"]", "the classes are those of the data")]
    public void Model_settings_that_make_no_sense_are_named(string json, string what) => Assert.That(
        () => TrainingConfiguration.Parse($"{{ {Shapes}, \"model\": {{ {json} }} }}"),
        Throws.TypeOf<TrainingException>().With.Message.Contains(what));

    [Test]
    public void A_file_that_is_missing_is_named() => Assert.That(
        () => TrainingConfiguration.Load("nowhere.json"), Throws.TypeOf<TrainingException>().With.Message.StartsWith("nowhere.json"));

    [Test]
    public void Epochs_become_steps_once_the_number_of_pictures_is_known()
    {
        // 10 pictures are 3 batches, and a step takes 2 of them.
        var schedule = new TrainingSchedule { Epochs = 5, Batch = 3, Accumulate = 2, Decay = Decay.Steps, DecayEpochs = [1, 4], LearningRate = 1, WarmupSteps = 0 };
        Assert.That(() => schedule.RateAt(0), Throws.InvalidOperationException);
        var steps = schedule.InSteps(pictures: 10);
        Assert.That((steps.Steps, steps.DecaySteps), Is.EqualTo((8, (int[])[2, 6])));
        Assert.That(steps.RateAt(1), Is.EqualTo(1));
        Assert.That(steps.RateAt(2), Is.EqualTo(0.1f));
        Assert.That(Enumerable.Range(1, 8).Where(step => steps.EndsEpoch(step, 1, 10)), Is.EqualTo((int[])[2, 3, 5, 6, 8]));
        Assert.That(Enumerable.Range(1, 8).Where(step => steps.EndsEpoch(step, 2, 10)), Is.EqualTo((int[])[3, 6]));
        Assert.That(new TrainingSchedule().InSteps(10).Steps, Is.EqualTo(4000));
        Assert.That(new TrainingSchedule { Epochs = 1, Batch = 8 }.InSteps(3).Steps, Is.EqualTo(1), "fewer pictures than a batch");
        Assert.That(
            () => new TrainingSchedule { Epochs = int.MaxValue, Batch = 1 }.InSteps(10),
            Throws.TypeOf<TrainingException>().With.Message.Contains("too many steps"));
    }

    [Test]
    public void Validation_and_epochs_survive_the_round_trip_through_JSON()
    {
        var configuration = TrainingConfiguration.Parse($$"""
            { {{Shapes}}, "schedule": { "epochs": 12, "decay_epochs": [8, 11] }, "validation": { "share": 0.1, "seed": 4, "every_epochs": 2, "patience": 3 } }
            """);
        var again = TrainingConfiguration.Parse(configuration.ToJson());
        Assert.That(again.ToJson(), Is.EqualTo(configuration.ToJson()));
        Assert.That(again.Validation, Is.EqualTo(new TrainingValidation { Share = 0.1, Seed = 4, EveryEpochs = 2, Patience = 3 }));
        Assert.That((again.Schedule.Steps, again.Schedule.Epochs), Is.EqualTo(((int?)null, (int?)12)));
    }

    [Test]
    public void The_rate_warms_up_and_falls()
    {
        var cosine = new TrainingSchedule { Steps = 1000, LearningRate = 0.1f, WarmupSteps = 10, FinalShare = 0.01f };
        Assert.That(cosine.RateAt(0), Is.EqualTo(0.01f).Within(1e-6));
        Assert.That(cosine.RateAt(9), Is.EqualTo(0.1f).Within(1e-4));
        Assert.That(cosine.RateAt(500), Is.EqualTo(0.1f * 0.505f).Within(1e-5));
        Assert.That(cosine.RateAt(999), Is.EqualTo(0.001f).Within(1e-5));

        var steps = cosine with { Decay = Decay.Steps, DecaySteps = [600, 800] };
        Assert.That(steps.RateAt(599), Is.EqualTo(0.1f).Within(1e-6));
        Assert.That(steps.RateAt(600), Is.EqualTo(0.01f).Within(1e-6));
        Assert.That(steps.RateAt(800), Is.EqualTo(0.001f).Within(1e-6));
        Assert.That((steps with { Decay = Decay.None }).RateAt(999), Is.EqualTo(0.1f));
    }
}
