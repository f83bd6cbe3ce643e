using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tests.Parity;

namespace Fpn.IlGpu.Tests.Detection;

public sealed class DetectorTests(string deviceId) : ModelTests(deviceId)
{
    private static RgbImage Sample => PictureReader.Read(new ReferenceCase("shapes").Picture("shapes-320x320.png"));

    [Test]
    public void Nothing_is_allocated_from_the_second_picture_of_a_size_on()
    {
        using var detector = Detector.Load(Device);
        detector.Detect(Sample);
        var allocations = Device.Memory.Allocations;
        for (var i = 0; i < 3; i++)
            detector.Detect(Sample);
        Assert.That(Device.Memory.Allocations, Is.EqualTo(allocations));
    }

    [Test]
    public void Loading_compiles_every_kernel_that_the_first_picture_needs()
    {
        using var device = TestDevices.OpenAlone(Device.Info.Id);
        using var detector = Detector.Load(device);
        var compiled = device.CompiledKernels;
        detector.Detect(Sample);
        Assert.That(compiled, Is.Not.Zero);
        Assert.That(device.CompiledKernels, Is.EqualTo(compiled));
    }

    [TestCase("shapes", 1)]
    [TestCase("zoo/retinanet-v2", 1)]
    [TestCase("detectron2/d2-rpn-r50", 1)]
    [TestCase("zoo/maskrcnn", 2)]
    public void The_host_waits_for_the_device_once_a_batch_and_once_more_for_masks(string name, int waits)
    {
        var reference = new ReferenceCase(name);
        using var detector = reference.Load(Device);
        var picture = PictureReader.Read(reference.Picture(reference.Expected().Keys.First()));
        foreach (var batch in new[] { [picture], new[] { picture, new RgbImage(picture.Width / 2, picture.Height), picture } })
        {
            detector.Detect(batch);
            var (before, allocations) = (Device.Synchronisations, Device.Memory.Allocations);
            detector.Detect(batch);
            Assert.That(Device.Synchronisations - before, Is.EqualTo(waits));
            Assert.That(Device.Memory.Allocations, Is.EqualTo(allocations));
        }
    }

    [Test]
    public void A_null_picture_is_named_by_its_place_in_the_batch()
    {
        using var detector = Detector.Load(Device);
        Assert.That(
            () => detector.Detect([Sample, null!, Sample]), Throws.ArgumentException.With.Message.StartsWith("Picture 1 of the batch is null"));
        Assert.That(() => detector.Detect((RgbImage)null!), Throws.ArgumentNullException);
        Assert.That(() => detector.Detect((Stream)null!), Throws.ArgumentNullException);
        Assert.That(detector.Detect(Sample), Is.Not.Empty, "the detector still works");
    }

    [Test]
    public void Alternating_between_two_sizes_allocates_nothing()
    {
        using var detector = Detector.Load(Device);
        var small = new RgbImage(200, 150);
        detector.Detect(Sample);
        detector.Detect(small);
        var allocations = Device.Memory.Allocations;
        detector.Detect(Sample);
        detector.Detect(small);
        Assert.That(Device.Memory.Allocations, Is.EqualTo(allocations));
    }

    [Test]
    public void A_path_a_stream_and_pixels_give_the_same_detections()
    {
        var path = new ReferenceCase("shapes").Picture("shapes-320x320.png");
        using var detector = Detector.Load(Device);
        var found = detector.Detect(path);
        using var stream = File.OpenRead(path);
        Assert.That(found, Is.Not.Empty);
        Assert.That(detector.Detect(stream), Is.EqualTo(found));
        Assert.That(detector.Detect(Sample.Pixels, 320, 320), Is.EqualTo(found));
    }

    [Test]
    public void Detections_are_labelled_inside_the_picture_and_best_first()
    {
        using var detector = Detector.Load(Device);
        var found = detector.Detect(Sample);
        Assert.That(found, Is.Not.Empty);
        Assert.That(found.Select(d => d.Score), Is.Ordered.Descending);
        foreach (var d in found)
        {
            Assert.That(d.Label, Is.EqualTo(detector.Classes[d.ClassId]).And.Not.EqualTo("background"));
            Assert.That(d.BoxImagePx is { X1: >= 0, Y1: >= 0, X2: <= 320, Y2: <= 320, Width: > 0, Height: > 0 });
        }
    }

    [Test]
    public void Only_scores_above_the_threshold_are_returned()
    {
        using var detector = Detector.Load(Device);
        var all = detector.Detect(Sample);
        detector.ScoreThreshold = 0.5f;
        Assert.That(detector.Detect(Sample), Is.EqualTo(all.Where(d => d.Score > 0.5f)));
        Assert.That(all.Count(d => d.Score <= 0.5f), Is.Positive);
        Assert.That(() => detector.ScoreThreshold = 1.5f, Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [TestCase(1, 1)]
    [TestCase(1, 5000)]
    [TestCase(5000, 1)]
    [TestCase(33, 7)]
    public void Pictures_of_any_shape_are_accepted(int width, int height)
    {
        using var detector = Detector.Load(Device);
        Assert.That(() => detector.Detect(new RgbImage(width, height)), Throws.Nothing);
    }

    [Test]
    public void No_pictures_give_no_results()
    {
        using var detector = Detector.Load(Device);
        Assert.That(detector.Detect(Array.Empty<RgbImage>()), Is.Empty);
    }

    [Test]
    public void Cancelling_leaves_the_detector_usable()
    {
        using var detector = Detector.Load(Device);
        var found = detector.Detect(Sample);
        var allocations = Device.Memory.Allocations;
        Assert.That(() => detector.Detect(Sample, new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(detector.Detect(Sample), Is.EqualTo(found));
        Assert.That(Device.Memory.Allocations, Is.EqualTo(allocations), "the memory of the cancelled picture was returned");
    }

    [Test]
    public void Several_threads_may_share_a_detector()
    {
        using var detector = Detector.Load(Device);
        var found = detector.Detect(Sample);
        var results = new IReadOnlyList<DetectedObject>[4];
        Parallel.For(0, results.Length, i => results[i] = detector.Detect(Sample));
        Assert.That(results, Is.All.EqualTo(found));
    }

    [Test]
    public void A_disposed_detector_refuses_pictures()
    {
        var detector = Detector.Load(Device);
        detector.Dispose();
        detector.Dispose();
        Assert.That(() => detector.Detect(Sample), Throws.TypeOf<ObjectDisposedException>());
    }
}
