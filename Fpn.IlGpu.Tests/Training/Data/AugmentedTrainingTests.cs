using Fpn.IlGpu.Data;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Training on augmented pictures: its keys, its defaults, and resuming.</summary>
internal sealed class AugmentedTrainingTests : TrainingFolderTests
{
    private const string Augment = """{ "photometric": {}, "iou_crop": {}, "scale_jitter": { "smallest": 0.5, "side": 64 } }""";

    [Test]
    public void A_resumed_run_on_augmented_pictures_ends_with_the_same_bytes()
    {
        var configuration = Configuration(Augment);
        using (var whole = OpenTrainer(configuration, Folder, At("whole"), resume: false))
            Assert.That(whole.Run().Select(step => step.Loss), Has.All.Matches<float>(float.IsFinite));
        using (var half = OpenTrainer(configuration, Folder, At("half"), resume: false))
        using (var stop = new CancellationTokenSource())
        {
            foreach (var step in half.Run(stop.Token))
                stop.Cancel();
            Assert.That(half.StepsDone, Is.EqualTo(1));
        }
        using (var rest = OpenTrainer(configuration with { Data = configuration.Data with { Workers = 5 } }, Folder, At("half"), resume: true))
            Assert.That(rest.Run().Count(), Is.EqualTo(1));
        Assert.That(File.ReadAllBytes(At("half/model.safetensors")), Is.EqualTo(File.ReadAllBytes(At("whole/model.safetensors"))));
        Assert.That(
            () => OpenTrainer(Configuration("null"), Folder, At("half"), resume: true),
            Throws.TypeOf<TrainingException>().With.Message.Contains("'data.augment"));
    }

    [Test]
    public void Without_augmentation_a_configuration_is_written_as_before()
        => Assert.That(Configuration("null").ToJson(), Does.Not.Contain("augment"));

    [Test]
    public void The_defaults_are_torchvisions()
    {
        var augment = Configuration("""{ "photometric": {}, "iou_crop": {}, "scale_jitter": {} }""").Data.Augment!;
        Assert.That(augment.Photometric!.Hue, Is.EqualTo(new[] { -0.05, 0.05 }));
        Assert.That(augment.IouCrop!.Overlaps, Is.EqualTo(new[] { 0, 0.1, 0.3, 0.5, 0.7, 0.9, 1 }));
        Assert.That((augment.ScaleJitter!.Smallest, augment.ScaleJitter.Largest), Is.EqualTo((0.1, 2)));
        var samples = TrainingSamples.Options(
            Configuration("""{ "scale_jitter": {} }"""), Configuration("null").ModelConfiguration(["a"]) with { MinSize = 800 }, 0);
        Assert.That(samples.Augmentation.Jitter!.Side, Is.EqualTo(1024));
        Assert.That((samples.Augmentation.Photometric, samples.Augmentation.Crop), Is.EqualTo(((PhotometricDistort?)null, (IouCrop?)null)));
        var all = TrainingSamples.Options(Configuration(Augment), Configuration("null").ModelConfiguration(["a"]), 0).Augmentation;
        Assert.That(all is { Photometric: not null, Crop: not null, Jitter.Side: 64 });
    }

    [TestCase("""{ "colour": {} }""", "there is no key 'data.augment.colour'")]
    [TestCase("""{ "photometric": true }""", "'data.augment.photometric' takes an object")]
    [TestCase("""{ "photometric": { "hue": [0.7, 0.8] } }""", "'data.augment.photometric.hue' takes two turns from -0.5 to 0.5")]
    [TestCase("""{ "photometric": { "contrast": [2, 1] } }""", "'data.augment.photometric.contrast' takes two factors from 0 to 10")]
    [TestCase("""{ "photometric": { "contrast": [1] } }""", "'data.augment.photometric.contrast' takes two factors")]
    [TestCase("""{ "photometric": { "probability": 2 } }""", "'data.augment.photometric.probability' must be from 0 to 1")]
    [TestCase("""{ "iou_crop": { "overlaps": [0.5] } }""", "1 must be among them")]
    [TestCase("""{ "iou_crop": { "smallest_scale": 0 } }""", "a 'smallest_scale' above 0")]
    [TestCase("""{ "iou_crop": { "trials": 0 } }""", "'data.augment.iou_crop.trials' must be from 1")]
    [TestCase("""{ "scale_jitter": { "smallest": 3 } }""", "a 'largest' of at least that")]
    [TestCase("""{ "scale_jitter": { "side": 8 } }""", "'data.augment.scale_jitter.side' must be from 32 to 8192 px")]
    [TestCase("""{ "scale_jitter": {} }, "shorter_sides": [64]""", "leave one of them out")]
    public void A_wrong_key_or_value_is_named(string augment, string expected)
        => Assert.That(() => Configuration(augment), Throws.TypeOf<TrainingException>().With.Message.Contains(expected));

    private static TrainingConfiguration Configuration(string augment) => TrainingConfiguration.Parse($$"""
        {
          "data": { "shapes": { "width": 64, "height": 48, "count": 8 }, "augment": {{augment}} },
          "network": { "layout": "resnet18", "widths": [8, 8, 8, 8], "pyramid_channels": 16, "head_channels": 16, "mask_channels": 8 },
          "schedule": { "steps": 2, "batch": 2, "warmup_steps": 5 },
          "rpn": { "pre_nms_top_n": 100, "post_nms_top_n": 50, "samples": 32 },
          "box_head": { "samples": 16 },
          "model": { "detector": "mask-rcnn", "min_size": 64, "max_size": 64, "anchor_sizes": [8, 16, 32, 64, 128] }
        }
        """);

    private string At(string name) => Path.Combine(Folder, name);
}
