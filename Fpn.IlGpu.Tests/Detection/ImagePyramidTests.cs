using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Detection;

/// <summary>A network run on a picture at several sizes.</summary>
internal sealed class ImagePyramidTests(string deviceId) : ModelTests(deviceId)
{
    [Test]
    public void The_best_of_overlapping_objects_of_a_class_is_kept()
    {
        var a = new DetectedObject("x", 1, 0.9f, new Box(0, 0, 10, 10));
        var near = a with { Score = 0.8f, BoxImagePx = new Box(1, 0, 11, 10) };
        var otherClass = near with { Label = "y", ClassId = 2, Score = 0.7f };
        var far = a with { Score = 0.95f, BoxImagePx = new Box(20, 0, 30, 10) };
        var merged = ImagePyramid.Merge([[a, otherClass], [far, near]], nmsThreshold: 0.5f, most: 10);
        Assert.That(merged, Is.EqualTo(new[] { far, a, otherClass }));
        Assert.That(ImagePyramid.Merge([[a, otherClass], [far, near]], 0.5f, most: 1), Is.EqualTo(new[] { far }));
        Assert.That(ImagePyramid.Merge([[a], [near]], 0.9f, most: 10), Is.EqualTo(new[] { a, near }));
    }

    [Test]
    public void A_pyramid_of_the_usual_size_changes_nothing()
    {
        var image = SyntheticShapes.Scene(500_003, 320, 320).Image;
        using var plain = Detector.Load(Device);
        using var one = Detector.Load(Device, path: null, overrides: """{ "image_pyramid": [320] }""");
        Assert.That(one.Detect(image), Is.EqualTo(plain.Detect(image)));
    }

    [Test]
    public void A_pyramid_finds_what_each_of_its_sizes_finds()
    {
        var image = SyntheticShapes.Scene(500_003, 320, 320).Image;
        using var several = Detector.Load(Device, path: null, overrides: """{ "image_pyramid": [192, 320, 512] }""");
        var merged = several.Detect(image);
        foreach (var side in (int[])[192, 320, 512])
        {
            using var one = Detector.Load(Device, path: null, overrides: $$"""{ "image_pyramid": [{{side}}] }""");
            foreach (var found in one.Detect(image).Where(o => o.Score > 0.9f))
            {
                Assert.That(merged, Has.Some.Matches<DetectedObject>(o =>
                    o.ClassId == found.ClassId && o.Score >= found.Score && Math.Abs(o.BoxImagePx.X1 - found.BoxImagePx.X1) < 40));
            }
        }
    }

    [Test]
    public void Proposals_are_merged_by_the_rpn_settings()
    {
        var image = SyntheticShapes.Scene(500_003, 320, 320).Image;
        using var several = Detector.Load(
            Device, path: null, overrides: """{ "detector": "rpn", "image_pyramid": [192, 320], "rpn_post_nms_top_n": 30 }""");
        Assert.That(several.Detect(image), Has.Count.EqualTo(30));
    }
}
