using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Parity;
using Fpn.IlGpu.Tests.Weights;
using ILGPU.Runtime;

namespace Fpn.IlGpu.Tests.Detection;

public sealed class FeatureExtractorTests(string deviceId) : ModelTests(deviceId)
{
    private static RgbImage Noise(int width, int height)
    {
        var image = new RgbImage(width, height);
        new Random(1).NextBytes(image.Pixels);
        return image;
    }

    [Test]
    public void Maps_are_those_of_a_detection_bit_by_bit()
    {
        using var detector = (FasterRcnn)Detector.Load(Device);
        using var extractor = FeatureExtractor.Load(Device);
        var picture = Noise(200, 140);
        var trace = detector.Trace(picture);
        using var features = extractor.Extract(picture);
        Assert.That(features.Names, Is.EqualTo(new[] { "C2", "C3", "C4", "C5", "P2", "P3", "P4", "P5", "P6" }));
        foreach (var (level, name, expected) in Enumerable.Range(2, 4).Select(l => (l, $"C{l}", trace.BottomUp[l]))
            .Concat(Enumerable.Range(2, 5).Select(l => (l, $"P{l}", trace.Pyramid[l]))))
        {
            var map = features[name].ToHost();
            Assert.That(map.Values, Is.EqualTo(expected.Values), name);
            Assert.That(map.Shape, Is.EqualTo(new Shape(1, expected.Height, expected.Width, expected.Channels)));
            Assert.That(map.StridePx, Is.EqualTo(1 << level));
            Assert.That(map[0, 1, 2, 3], Is.EqualTo(expected[1, 2, 3]));
            Assert.That(extractor.ChannelsOf(name), Is.EqualTo(expected.Channels));
        }
        Assert.That((features.InputHeight, features.InputWidth), Is.EqualTo((trace.Input.Height, trace.Input.Width)));
        Assert.That(features.Frames[0], Is.EqualTo(new PictureFrame(200, 140, trace.Resized.Width, trace.Resized.Height)));
    }

    [Test]
    public void A_detector_shares_its_weights_and_chosen_maps_suffice()
    {
        using var detector = Detector.Load(Device);
        using var extractor = FeatureExtractor.Of(detector);
        var picture = Noise(64, 64);
        using var all = extractor.Extract(picture);
        using var some = extractor.Extract(picture, ["P3", "C4"]);
        Assert.That(some.Names, Is.EqualTo(new[] { "C4", "P3" }));
        Assert.That(some["P3"].ToHost().Values, Is.EqualTo(all["P3"].ToHost().Values));
        Assert.That(some["C4"].ToHost().Values, Is.EqualTo(all["C4"].ToHost().Values));
        Assert.That(() => some["P2"], Throws.ArgumentException.With.Message.Contains("the maps are C4, P3"));
        Assert.That(() => extractor.Extract(picture, ["P9"]), Throws.ArgumentException.With.Message.Contains("There is no map 'P9'"));
        extractor.Dispose();
        Assert.That(() => detector.Detect(picture), Throws.Nothing);
        Assert.That(() => extractor.Extract(picture), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void Maps_of_a_batch_are_those_of_its_pictures()
    {
        using var extractor = FeatureExtractor.Load(Device);
        RgbImage[] pictures = [Noise(96, 96), PictureReader.Read(new ReferenceCase("shapes").Picture("shapes-320x320.png"))];
        using var batch = extractor.Extract(pictures, ["P4"]);
        var maps = batch["P4"].ToHost();
        Assert.That(maps.Shape.N, Is.EqualTo(2));
        for (var n = 0; n < 2; n++)
        {
            // Both are resized to the same square, so that there is no padding.
            using var single = extractor.Extract(pictures[n], ["P4"]);
            var length = (int)(maps.Shape.Length / 2);
            Assert.That(single["P4"].ToHost().Values, Is.EqualTo(maps.Values.Skip(n * length).Take(length)).Within(1e-4f));
        }
        Assert.That(() => extractor.Extract([pictures[0], null!]), Throws.ArgumentException.With.Message.StartsWith("Picture 1 of the batch is null"));
        Assert.That(() => extractor.Extract(Array.Empty<RgbImage>()), Throws.ArgumentException);
    }

    [Test]
    public void A_backbone_alone_has_no_pyramid()
    {
        using var extractor = FeatureExtractor.Load(Device, Checkpoints.Fixture("backbone-kept.onnx"));
        Assert.That(extractor.Names, Is.EqualTo(new[] { "C2", "C3", "C4", "C5" }));
        using var features = extractor.Extract(new RgbImage(64, 64));
        Assert.That(features["C5"].Shape.C, Is.EqualTo(extractor.ChannelsOf("C5")));
        using var bytes = File.OpenRead(Checkpoints.Fixture("backbone-kept.onnx"));
        using var again = FeatureExtractor.Load(Device, bytes);
        using var same = again.Extract(new RgbImage(64, 64), ["C5"]);
        Assert.That(same["C5"].ToHost().Values, Is.EqualTo(features["C5"].ToHost().Values));
    }

    [TestCase("zoo/retinanet-v2", "C3 C4 C5 P3 P4 P5 P6 P7")]
    [TestCase("detectron2/d2-rpn-r50", "C2 C3 C4 C5 P2 P3 P4 P5 P6")]
    public void Maps_have_their_levels_names(string name, string expected)
    {
        using var detector = new ReferenceCase(name).Load(Device);
        using var extractor = FeatureExtractor.Of(detector);
        Assert.That(string.Join(' ', extractor.Names), Is.EqualTo(expected));
    }

    [Test]
    public void Disposed_maps_return_their_memory_and_can_not_be_read()
    {
        using var extractor = FeatureExtractor.Load(Device);
        var picture = Noise(100, 80);
        extractor.Extract(picture).Dispose();
        var allocations = Device.Memory.Allocations;
        for (var i = 0; i < 3; i++)
            extractor.Extract(picture).Dispose();
        Assert.That(Device.Memory.Allocations, Is.EqualTo(allocations));
        var features = extractor.Extract(picture);
        var map = features["P2"];
        features.Dispose();
        features.Dispose();
        Assert.That(() => map.ToHost(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => map.View, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void A_picture_beside_kept_maps_does_not_change_them()
    {
        using var detector = Detector.Load(Device);
        using var extractor = FeatureExtractor.Of(detector);
        using var features = extractor.Extract(Noise(100, 80));
        var before = features.Names.Select(name => features[name].ToHost().Values).ToList();
        detector.Detect(Noise(120, 120));
        extractor.Extract(Noise(90, 100)).Dispose();
        foreach (var (name, values) in features.Names.Zip(before))
            Assert.That(features[name].ToHost().Values, Is.EqualTo(values), name);
    }

    [Test]
    public void Ilgpus_own_copies_read_a_map_on_the_device()
    {
        using var extractor = FeatureExtractor.Load(Device);
        using var features = extractor.Extract(Noise(64, 64), ["P5"]);
        var map = features["P5"];
        var values = new float[map.Shape.Length];
        using var copy = Device.Accelerator.Allocate1D<float>(map.View.Length);
        copy.View.AsContiguous().CopyFrom(map.View);
        Device.Accelerator.DefaultStream.Synchronize();
        copy.CopyToCPU(values);
        Assert.That(values, Is.EqualTo(map.ToHost().Values));
    }

    [Test]
    public void Layouts_have_the_same_values_in_another_order()
    {
        var map = new FeatureMap("P2", new Shape(2, 2, 3, 4), 4, FeatureLayout.ChannelsLast, [.. Enumerable.Range(0, 48).Select(i => (float)i)]);
        var first = map.WithLayout(FeatureLayout.ChannelsFirst);
        Assert.That(first.Values[..4], Is.EqualTo(new float[] { 0, 4, 8, 12 }));
        for (var (n, y, x, c) = (1, 1, 2, 3); c >= 0; c--)
            Assert.That(first[n, y, x, c], Is.EqualTo(map[n, y, x, c]));
        Assert.That(first.WithLayout(FeatureLayout.ChannelsLast).Values, Is.EqualTo(map.Values));
        Assert.That(() => map[0, 2, 0, 0], Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo("y"));
        Assert.That(() => new FeatureMap("P2", new Shape(1, 1, 1, 2), 4, FeatureLayout.ChannelsLast, [1]), Throws.ArgumentException);
    }

    [Test]
    public void Boxes_go_from_the_picture_to_the_input_and_back()
    {
        var frame = new PictureFrame(Height: 100, Width: 200, ResizedHeight: 50, ResizedWidth: 400);
        var box = new Box(10, 20, 30, 40);
        Assert.That(frame.ToInputPx(box), Is.EqualTo(new Box(20, 10, 60, 20)));
        Assert.That(frame.ToImagePx(frame.ToInputPx(box)), Is.EqualTo(box));
    }
}
