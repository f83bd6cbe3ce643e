using Fpn.IlGpu.Data;
using Fpn.IlGpu.Tests.Data;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Pictures that only decoding shows to be broken are counted while the run goes on.</summary>
internal sealed class BrokenPictureTests : TrainingFolderTests
{
    private const int Broken = 4;

    [Test]
    public void A_run_stops_where_decoding_shows_more_than_one_per_cent_to_be_broken()
    {
        using var trainer = Open(allow: false);
        Assert.That(
            () => trainer.Run().Count(),
            Throws.TypeOf<AnnotationException>().With.Message.Contains("1 of 10 pictures is left out (10 %). ")
                .And.Message.Contains("picture 4 is broken").And.Message.Contains("--allow-problems"));
        Assert.That(File.Exists(trainer.CheckpointPath), Is.EqualTo(trainer.StepsDone > 0), "no step is lost");
    }

    [Test]
    public void A_run_that_may_goes_on_and_names_the_picture()
    {
        using var trainer = Open(allow: true);
        Assert.That(trainer.Run().Count(), Is.EqualTo(10));
        Assert.That(trainer.DataProblems.Lost(AnnotationPart.Pictures), Is.EqualTo(1));
        Assert.That(File.ReadAllText(trainer.ProblemsPath), Does.Contain("picture 4 is broken"));
    }

    private Trainer Open(bool allow)
    {
        var pictures = new TrainingPictures(new NumberedPictures(10, Broken), [.. Enumerable.Range(0, 10).Select(i => $"class {i}")]);
        return Trainer.Open(Device, Configuration, Folder, Path.Combine(Folder, "run"), resume: false, pictures, allowProblems: allow);
    }

    private static TrainingConfiguration Configuration => TrainingConfiguration.Parse("""
        {
          "data": { "shapes": {} },
          "network": { "layout": "resnet18", "widths": [8, 8, 8, 8], "pyramid_channels": 16, "head_channels": 16 },
          "schedule": { "steps": 10, "batch": 1, "learning_rate": 0.001 },
          "rpn": { "pre_nms_top_n": 100, "post_nms_top_n": 50, "samples": 32 },
          "box_head": { "samples": 16 },
          "model": { "min_size": 64, "max_size": 128 }
        }
        """);
}
