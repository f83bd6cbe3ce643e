using System.Text.Json;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Training;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Experiments;

/// <summary>The scenes in which only the context says what an object is.</summary>
internal sealed class DiscPicturesTests : TrainingFolderTests
{
    private static readonly ShapesData Framed = new() { Scene = SceneKind.FramedDiscs, Width = 256, Height = 256, Count = 40 };

    // Mean colour at the disc's centre and on the frame's left side, by class.
    [TestCase(SceneKind.FramedDiscs)]
    [TestCase(SceneKind.ColouredDiscs)]
    public void The_colour_is_on_the_frame_and_in_the_control_on_the_disc(SceneKind kind)
    {
        var scenes = SceneTraining.ScenesOf(Framed with { Scene = kind });
        Assert.That(scenes.Classes, Is.EqualTo(new[] { "red", "green", "blue", "yellow" }));
        var seen = new HashSet<int>();
        foreach (var picture in Enumerable.Range(0, 10).Select(i => scenes.Source.Read(i, epoch: 0)))
        {
            foreach (var found in picture.Objects)
            {
                var (x, y) = Centre(found.BoxImagePx);
                var (disc, frame) = (Mean(picture.Image, x - 2, y - 2, 4, 4), Mean(picture.Image, x - 49, y - 40, 3, 80));
                Assert.That(found.BoxImagePx.X2 - found.BoxImagePx.X1, Is.InRange(11, 17));
                Assert.That(Spread(kind == SceneKind.FramedDiscs ? disc : frame), Is.LessThan(12), "grey");
                Assert.That(Spread(kind == SceneKind.FramedDiscs ? frame : disc), Is.GreaterThan(80), "coloured");
                seen.Add(found.ClassIndex);
            }
        }
        Assert.That(seen, Has.Count.EqualTo(4));
    }

    [Test]
    public void Only_one_class_is_annotated_where_that_is_asked()
    {
        var (all, red) = (SceneTraining.ScenesOf(Framed), SceneTraining.ScenesOf(Framed with { Annotated = "red" }));
        Assert.That(red.Classes, Is.EqualTo(new[] { "red" }));
        for (var i = 0; i < Framed.Count; i++)
        {
            var (picture, some) = (all.Source.Read(i, epoch: 0), red.Source.Read(i, epoch: 0));
            Assert.That(some.Image.Pixels, Is.EqualTo(picture.Image.Pixels));
            Assert.That(some.Objects.Select(o => o.BoxImagePx), Is.EqualTo(picture.Objects.Where(o => o.ClassIndex == 0).Select(o => o.BoxImagePx)));
            Assert.That(some.Objects, Has.All.Property("ClassIndex").EqualTo(0));
        }
    }

    [TestCase("violet", SceneKind.FramedDiscs, "must be one of red, green, blue, yellow, not 'violet'")]
    [TestCase("star", SceneKind.Shapes, "for scenes with frames")]
    public void A_class_that_the_scenes_lack_is_refused(string name, SceneKind kind, string expected) => Assert.That(
        () => SceneTraining.ScenesOf(Framed with { Annotated = name, Scene = kind }),
        Throws.TypeOf<TrainingException>().With.Message.Contains(expected));

    // What the experiment rests on: the bottom-up pyramid can't see a disc's frame, and FPN can.
    [TestCase("bottom-up", false)]
    [TestCase("fpn", true)]
    [TestCase("no-lateral", true)]
    public void Scores_of_a_disc_depend_on_its_frame_only_through_the_top_down_pathway(string pyramid, bool depends)
    {
        var picture = SceneTraining.ScenesOf(Framed).Source.Read(0, epoch: 0);
        var disc = picture.Objects[0].BoxImagePx;
        var other = WithoutFrame(picture.Image, Centre(disc));
        var configuration = new TrainingConfiguration
        {
            Data = new TrainingData { Shapes = Framed },
            Network = new NetworkLayout { Layout = "resnet18", Widths = [8, 8, 8, 8], PyramidChannels = 8, HeadChannels = 16 },
            Model = JsonElement.Parse($$"""
                { "pyramid": "{{pyramid}}", "min_size": 256, "max_size": 256, "roi_canonical_side": 56, "box_score_thresh": 0 }
                """),
        };
        using var trainer = OpenTrainer(configuration, Folder, Folder, resume: false);
        var detector = (FastRcnn)trainer.Detector;

        var (scores, otherScores) = (Scores(picture.Image), Scores(other));

        Assert.That(scores, Has.Length.EqualTo(4));
        Assert.That(otherScores, depends ? Is.Not.EqualTo(scores) : Is.EqualTo(scores));

        float[] Scores(RgbImage image) => [.. detector.Detect(image, [disc]).OrderBy(found => found.Label, StringComparer.Ordinal).Select(found => found.Score)];
    }

    private static (int X, int Y) Centre(Box box) => ((int)MathF.Round((box.X1 + box.X2) / 2), (int)MathF.Round((box.Y1 + box.Y2) / 2));

    private static double[] Mean(RgbImage image, int left, int top, int w, int h)
    {
        var sum = new double[RgbImage.Channels];
        for (var y = top; y < top + h; y++)
        {
            for (var x = left; x < left + w; x++)
            {
                for (var c = 0; c < sum.Length; c++)
                    sum[c] += image.Pixels[(y * image.Width + x) * RgbImage.Channels + c];
            }
        }
        return [.. sum.Select(s => s / (w * h))];
    }

    private static double Spread(double[] colour) => colour.Max() - colour.Min();

    // Everything that is as far away as the frame becomes black.
    private static RgbImage WithoutFrame(RgbImage image, (int X, int Y) centre)
    {
        var changed = new RgbImage(image.Width, image.Height);
        for (var y = 0; y < image.Height; y++)
        {
            for (var x = 0; x < image.Width; x++)
            {
                var isFar = x < centre.X - 46 || x >= centre.X + 46 || y < centre.Y - 46 || y >= centre.Y + 46;
                for (var c = 0; !isFar && c < RgbImage.Channels; c++)
                {
                    var i = (y * image.Width + x) * RgbImage.Channels + c;
                    changed.Pixels[i] = image.Pixels[i];
                }
            }
        }
        return changed;
    }
}
