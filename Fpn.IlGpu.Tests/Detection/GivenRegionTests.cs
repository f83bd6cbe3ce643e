using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Parity;

namespace Fpn.IlGpu.Tests.Detection;

/// <summary>Fast R-CNN on regions that the caller gives.</summary>
public sealed class GivenRegionTests(string deviceId) : ModelTests(deviceId)
{
    private static RgbImage Sample => PictureReader.Read(new ReferenceCase("shapes").Picture("shapes-320x320.png"));

    [Test]
    public void A_batch_gives_the_objects_of_its_pictures()
    {
        using var detector = (FastRcnn)Detector.Load(Device);
        var (picture, blank) = (Sample, new RgbImage(320, 320));
        Box[] regions = [.. detector.Detect(picture).Select(o => o.BoxImagePx)];
        var alone = detector.Detect(picture, regions);
        var found = detector.Detect([picture, blank, picture], [regions, [], regions[..1]]);
        Assert.That(alone, Is.Not.Empty);
        AssertClose(found[0], alone);
        Assert.That(found[1], Is.Empty);
        AssertClose(found[2], detector.Detect(picture, regions[..1]));
        Assert.That(detector.Detect(Array.Empty<RgbImage>(), []), Is.Empty);

        // A batch may be computed by other kernels than a picture.
        static void AssertClose(IReadOnlyList<DetectedObject> actual, IReadOnlyList<DetectedObject> expected)
        {
            Assert.That(actual.Select(o => o.Label), Is.EqualTo(expected.Select(o => o.Label)));
            foreach (var (a, b) in actual.Zip(expected))
            {
                Assert.That(a.Score, Is.EqualTo(b.Score).Within(1e-4));
                Assert.That(a.BoxImagePx.X1, Is.EqualTo(b.BoxImagePx.X1).Within(0.01));
                Assert.That(a.BoxImagePx.Y2, Is.EqualTo(b.BoxImagePx.Y2).Within(0.01));
            }
        }
    }

    [Test]
    public void Mask_rcnn_finds_masks_in_given_regions()
    {
        using var detector = (MaskRcnn)new ReferenceCase("zoo/maskrcnn").Load(Device);
        var picture = new RgbImage(120, 90);
        new Random(1).NextBytes(picture.Pixels);
        detector.ScoreThreshold = 0;
        var found = detector.Detect(picture, [new Box(10, 10, 60, 60), new Box(0, 0, 120, 90)]);
        Assert.That(found, Is.Not.Empty);
        Assert.That(found.Select(o => o.Mask), Has.All.Not.Null);
    }

    [Test]
    public void Wrong_regions_are_refused_by_name()
    {
        using var detector = (FastRcnn)Detector.Load(Device);
        var picture = new RgbImage(64, 64);
        foreach (var box in new[]
        {
            new Box(float.NaN, 0, 10, 10), new Box(0, 0, 10, float.NaN), new Box(10, 0, 5, 10), new Box(0, 10, 10, 5),
            new Box(0, 0, float.PositiveInfinity, 10), new Box(float.NegativeInfinity, 0, 10, 10),
        })
        {
            Assert.That(
                () => detector.Detect(picture, [new Box(0, 0, 10, 10), box]),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("proposalsImagePx").And.Message.StartsWith("Proposal 1 of picture 0 is"));
        }
        Assert.That(() => detector.Detect([picture], []), Throws.ArgumentException.With.Message.StartsWith("There are 0 lists of proposals for 1"));
        Assert.That(() => detector.Detect([picture], [null!]), Throws.ArgumentException.With.Message.StartsWith("The proposals of picture 0 are null"));
        Assert.That(() => detector.Detect([null!], [[]]), Throws.ArgumentException.With.Property("ParamName").EqualTo("pictures"));
        Assert.That(() => detector.Detect(picture, [new Box(5, 5, 5, 5)]), Throws.Nothing, "an empty region is one");
    }
}
