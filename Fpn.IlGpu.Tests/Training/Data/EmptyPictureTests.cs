using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Pictures without objects: left out and named by default, learned as background on request.</summary>
internal sealed class EmptyPictureTests : TrainingFolderTests
{
    [SetUp]
    public void PutSet()
    {
        foreach (var name in new[] { "full", "empty", "crowded" })
            PictureWriter.Write(new RgbImage(64, 64), Path.Combine(Folder, name + ".png"));
        File.WriteAllText(Path.Combine(Folder, "set.json"), """
            {"images": [{"id": 1, "file_name": "full.png", "width": 64, "height": 64},
                        {"id": 2, "file_name": "empty.png", "width": 64, "height": 64},
                        {"id": 3, "file_name": "crowded.png", "width": 64, "height": 64}],
             "categories": [{"id": 1, "name": "dog"}],
             "annotations": [{"image_id": 1, "category_id": 1, "bbox": [8, 8, 30, 30], "segmentation": [[8, 8, 38, 8, 38, 38, 8, 38]]},
                             {"image_id": 3, "category_id": 1, "bbox": [8, 8, 30, 30], "iscrowd": 1}]}
            """);
    }

    [Test]
    public void Pictures_without_objects_are_left_out_by_default_and_named()
    {
        using var trainer = OpenTrainer(Configuration("faster-rcnn", filter: null), Folder, Path.Combine(Folder, "run"), resume: false);
        Assert.That(trainer.Description, Does.Contain("1 pictures"));
        Assert.That(trainer.DataProblems.Named(AnnotationProblem.PictureEmpty), Has.Exactly(2).Items
            .And.Some.Contains("empty.png").And.Some.Contains("crowded.png"));
        Assert.That(trainer.DataProblems.IsTooMuchLost, Is.False, "they are left out on request");
        Assert.That(File.ReadAllText(trainer.ProblemsPath), Does.Contain("empty.png"));
    }

    [TestCase("faster-rcnn")]
    [TestCase("mask-rcnn")]
    [TestCase("retinanet")]
    [TestCase("rpn")]
    public void Pictures_without_objects_are_background_on_request(string detector)
    {
        using var trainer = OpenTrainer(Configuration(detector, filter: false), Folder, Path.Combine(Folder, "run"), resume: false);
        Assert.That(trainer.Description, Does.Contain("3 pictures"));
        Assert.That(trainer.DataProblems.Total, Is.Zero);
        // A picture a step: all losses of the empty ones are finite, too.
        Assert.That(trainer.Run().Select(step => step.Loss), Has.Exactly(3).Items.And.All.GreaterThan(0));
    }

    private static TrainingConfiguration Configuration(string detector, bool? filter) => TrainingConfiguration.Parse($$"""
        {
          "data": { "coco": { "annotations": "set.json", "pictures": "." }{{(filter is null ? "" : ", \"filter_empty\": false")}} },
          "network": { "layout": "resnet18", "widths": [8, 8, 8, 8], "pyramid_channels": 16, "head_channels": 16, "mask_channels": 8 },
          "schedule": { "steps": 3, "batch": 1, "learning_rate": 0.001 },
          "rpn": { "pre_nms_top_n": 100, "post_nms_top_n": 50, "samples": 32 },
          "box_head": { "samples": 16 },
          "model": { "detector": "{{detector}}", "min_size": 64, "max_size": 64 }
        }
        """);
}
