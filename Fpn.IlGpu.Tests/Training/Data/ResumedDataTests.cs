using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>A run is resumed only with the classes, pictures and annotations that it began with; what is harmless may change.</summary>
internal sealed class ResumedDataTests : TrainingFolderTests
{
    private const string Objects = """
        {"image_id": 1, "category_id": 1, "bbox": [8, 8, 30, 30]}, {"image_id": 2, "category_id": 2, "bbox": [20, 8, 30, 30]}
        """;

    private const string Categories = """{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}""";

    [SetUp]
    public void TrainOneStep()
    {
        PutSet();
        using var trainer = Open(Configuration(), resume: false);
        Assert.That(trainer.Run().Count(), Is.EqualTo(1));
    }

    [Test]
    public void The_same_data_are_resumed()
    {
        using var trainer = Open(Configuration(), resume: true);
        Assert.That(trainer.StepsDone, Is.EqualTo(1));
    }

    [Test]
    public void Classes_in_another_order_are_refused()
    {
        PutSet(categories: """{"id": 2, "name": "cat"}, {"id": 1, "name": "dog"}""");
        AssertRefused("with other classes, or in another order: 'dog', 'cat' then, 'cat', 'dog' now");
    }

    [Test]
    public void Classes_of_another_name_are_refused()
    {
        PutSet(categories: Categories.Replace("cat", "cow", StringComparison.Ordinal));
        AssertRefused("'dog', 'cat' then, 'dog', 'cow' now");
    }

    [TestCase("[8, 8, 30, 30]", "[8, 8, 30, 31]")]
    [TestCase("\"category_id\": 2", "\"category_id\": 1")]
    [TestCase("\"bbox\": [20", "\"iscrowd\": 1, \"bbox\": [20")]
    public void Other_annotations_are_refused(string before, string after)
    {
        PutSet(objects: Objects.Replace(before, after, StringComparison.Ordinal));
        AssertRefused("with other pictures or annotations");
    }

    [Test]
    public void A_picture_that_has_gone_is_refused()
    {
        File.Delete(At("pictures/2.png"));
        Assert.That(
            () => Trainer.Open(Device, Configuration(), Folder, At("run"), resume: true, allowProblems: true),
            Throws.TypeOf<TrainingException>().With.Message.Contains("with other pictures or annotations"));
    }

    [Test]
    public void Another_picture_of_the_same_name_is_refused()
    {
        var other = new RgbImage(64, 64);
        new Random(1).NextBytes(other.Pixels);
        PictureWriter.Write(other, At("pictures/2.png"));
        AssertRefused("with other pictures or annotations");
    }

    [Test]
    public void More_steps_other_workers_and_another_place_of_the_data_are_resumed()
    {
        Directory.Move(At("pictures"), At("moved"));
        var configuration = Configuration();
        configuration = configuration with
        {
            Data = configuration.Data with { Coco = new CocoData("set.json", "moved"), Workers = 1, Ahead = 3 },
            Schedule = configuration.Schedule with { Steps = 3, CheckpointEvery = 2 },
        };
        using var trainer = Open(configuration, resume: true);
        Assert.That(trainer.Run().Select(step => step.Step), Is.EqualTo([2, 3]));
    }

    [Test]
    public void Fewer_steps_than_are_done_are_refused()
    {
        var longer = Configuration() with { Schedule = Configuration().Schedule with { Steps = 3 } };
        using (var trainer = Open(longer, resume: true))
            Assert.That(trainer.Run().Count(), Is.EqualTo(2));
        AssertRefused("has done 3 steps, but the run has 1: 'schedule.steps' can only be raised");
    }

    [Test]
    public void A_checkpoint_that_kept_no_digest_is_refused_with_the_reason()
    {
        var path = At("run/checkpoint.safetensors");
        var moved = At("old.safetensors");
        File.Move(path, moved);
        using (var state = Safetensors.Open(moved))
        {
            var metadata = state.Metadata.Where(pair => !pair.Key.EndsWith("_sha256", StringComparison.Ordinal)).ToDictionary();
            Safetensors.Write(path, state.Tensors.Values, DataType.F32, metadata);
        }
        AssertRefused("was written by an earlier version, which did not record its classes and data");
    }

    private void AssertRefused(string why)
        => Assert.That(
            () => Open(Configuration(), resume: true),
            Throws.TypeOf<TrainingException>().With.Message.Contains(why).And.Message.Contains("checkpoint.safetensors"));

    private Trainer Open(TrainingConfiguration configuration, bool resume) => OpenTrainer(configuration, Folder, At("run"), resume);

    private string At(string path) => Path.Combine(Folder, path);

    private void PutSet(string objects = Objects, string categories = Categories)
    {
        Directory.CreateDirectory(At("pictures"));
        foreach (var name in new[] { "1", "2" })
            PictureWriter.Write(new RgbImage(64, 64), At($"pictures/{name}.png"));
        File.WriteAllText(At("set.json"), $$"""
            {"images": [{"id": 1, "file_name": "1.png", "width": 64, "height": 64},
                        {"id": 2, "file_name": "2.png", "width": 64, "height": 64}],
             "categories": [{{categories}}], "annotations": [{{objects}}]}
            """);
    }

    private static TrainingConfiguration Configuration() => TrainingConfiguration.Parse("""
        {
          "data": { "coco": { "annotations": "set.json", "pictures": "pictures" }, "filter_empty": false },
          "network": { "layout": "resnet18", "widths": [8, 8, 8, 8], "pyramid_channels": 16, "head_channels": 16 },
          "schedule": { "steps": 1, "batch": 2, "learning_rate": 0.001, "decay": "none" },
          "rpn": { "pre_nms_top_n": 100, "post_nms_top_n": 50, "samples": 32 },
          "box_head": { "samples": 16 },
          "model": { "min_size": 64, "max_size": 64 }
        }
        """);
}
