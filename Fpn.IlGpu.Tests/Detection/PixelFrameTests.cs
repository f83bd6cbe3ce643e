using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tests.Parity;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using PixelFormat = Fpn.IlGpu.Imaging.PixelFormat;

namespace Fpn.IlGpu.Tests.Detection;

/// <summary>Pixels of any format and stride give the detections of the same picture in RGB, bit by bit.</summary>
public sealed class PixelFrameTests(string deviceId) : ModelTests(deviceId)
{
    private static readonly RgbImage Sample = PictureReader.Read(new ReferenceCase("shapes").Picture("shapes-320x320.png"));

    private static IEnumerable<PixelFormat> Formats => Enum.GetValues<PixelFormat>();

    [TestCaseSource(nameof(Formats))]
    public void Every_format_and_stride_gives_the_same_detections(PixelFormat format)
    {
        using var detector = Detector.Load(Device);
        var (pixels, stride) = Frame(format, padding: 13);
        var frame = new PixelFrame(pixels, Sample.Width, Sample.Height, format, stride);
        var expected = detector.Detect(format == PixelFormat.Grey ? frame.ToRgbImage() : Sample);
        Assert.That(format == PixelFormat.Grey || expected.Count > 0);
        Assert.That(detector.Detect(frame), Is.EqualTo(expected));
        Assert.That(detector.Detect(pixels, Sample.Width, Sample.Height, format, stride), Is.EqualTo(expected));
        if (format != PixelFormat.Grey)
            Assert.That(frame.ToRgbImage().Pixels, Is.EqualTo(Sample.Pixels));
    }

    [Test]
    public void Antialiased_resizing_reads_every_format_too()
    {
        using var detector = new ReferenceCase("detectron2/d2-rpn-r50").Load(Device, antialias: true);
        var (pixels, stride) = Frame(PixelFormat.Bgra, padding: 8);
        var frame = new PixelFrame(pixels, Sample.Width, Sample.Height, PixelFormat.Bgra, stride);
        Assert.That(detector.Detect(frame), Is.EqualTo(detector.Detect(Sample)).And.Not.Empty);
    }

    [Test]
    public async Task A_batch_may_mix_formats()
    {
        using var detector = Detector.Load(Device);
        var (bgr, stride) = Frame(PixelFormat.Bgr, padding: 2);
        PixelFrame[] frames = [Sample, new PixelFrame(bgr, Sample.Width, Sample.Height, PixelFormat.Bgr, stride)];
        var found = detector.Detect(frames);
        Assert.That(found[1], Is.EqualTo(found[0]).And.Not.Empty);
        Assert.That(detector.Detect(Array.Empty<PixelFrame>()), Is.Empty);
        Assert.That(await detector.DetectAsync(frames[1]), Is.EqualTo(detector.Detect(Sample)));
        using var extractor = FeatureExtractor.Of(detector);
        using var features = extractor.Extract(frames[1], ["P5"]);
        using var expected = extractor.Extract(Sample, ["P5"]);
        Assert.That(features["P5"].ToHost().Values, Is.EqualTo(expected["P5"].ToHost().Values));
    }

    [Test]
    public void Images_of_ImageSharp_are_read_whatever_their_pixels()
    {
        using var detector = Detector.Load(Device);
        var expected = detector.Detect(Sample);
        using var rgb = Image.LoadPixelData<Rgb24>(Sample.Pixels, Sample.Width, Sample.Height);
        using var bgra = rgb.CloneAs<Bgra32>();
        using var rare = rgb.CloneAs<Rgb48>();
        // ImageSharp has large images in several pieces.
        var noise = new RgbImage(1500, 1300);
        new Random(2).NextBytes(noise.Pixels);
        using var apart = Image.LoadPixelData<Rgb24>(noise.Pixels, noise.Width, noise.Height);
        Assert.That(apart.DangerousTryGetSinglePixelMemory(out _), Is.False);
        Assert.That(detector.Detect(rgb), Is.EqualTo(expected));
        Assert.That(detector.Detect(bgra), Is.EqualTo(expected));
        Assert.That(detector.Detect(rare), Is.EqualTo(expected));
        detector.ScoreThreshold = 0.01f;
        Assert.That(detector.Detect(apart), Is.EqualTo(detector.Detect(noise)));
    }

    [Test]
    public void Short_buffers_and_wrong_sizes_are_refused_by_name()
    {
        using var detector = Detector.Load(Device);
        var pixels = new byte[32 * 32 * 3];
        Assert.That(
            () => detector.Detect(pixels.AsSpan(1), 32, 32),
            Throws.ArgumentException.With.Property("ParamName").EqualTo("pixels").And.Message.Contains("has 3072 bytes, but there are 3071"));
        Assert.That(() => detector.Detect(pixels, 32, 32, PixelFormat.Rgba), Throws.ArgumentException.With.Property("ParamName").EqualTo("pixels"));
        Assert.That(() => new PixelFrame(pixels, 32, 33), Throws.ArgumentException.With.Property("ParamName").EqualTo("pixels"));
        Assert.That(() => new PixelFrame(pixels, 0, 32), OutOfRange("width"));
        Assert.That(() => new PixelFrame(pixels, 32, -1), OutOfRange("height"));
        Assert.That(() => new PixelFrame(pixels, 32, 16, PixelFormat.Rgb, strideBytes: 95), OutOfRange("strideBytes"));
        Assert.That(() => new PixelFrame(pixels, 32, 16, (PixelFormat)9), OutOfRange("format"));
        Assert.That(() => new PixelFrame(pixels, 100_000, 100_000), OutOfRange("height"));
        Assert.That(() => detector.Detect(default(PixelFrame)), Throws.ArgumentException.With.Property("ParamName").EqualTo("frame"));
        // The last row needs no padding, and there may be more bytes.
        Assert.That(() => new PixelFrame(new byte[10 * 3 + 4 * 40], 10, 5, PixelFormat.Rgb, 40), Throws.Nothing);
        Assert.That(() => detector.Detect(new byte[5000], 32, 32), Throws.Nothing);

        static NUnit.Framework.Constraints.IResolveConstraint OutOfRange(string name)
            => Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo(name);
    }

    private static (byte[] Pixels, int StrideBytes) Frame(PixelFormat format, int padding)
    {
        var bytes = format.BytesPerPixel();
        var stride = Sample.Width * bytes + padding;
        var pixels = new byte[stride * Sample.Height];
        // Padding and alpha must have no effect.
        new Random(1).NextBytes(pixels);
        for (var y = 0; y < Sample.Height; y++)
        {
            for (var x = 0; x < Sample.Width; x++)
            {
                var from = Sample.Pixels.AsSpan((y * Sample.Width + x) * 3, 3);
                var to = pixels.AsSpan(y * stride + x * bytes, bytes);
                var (red, green, blue) = format.Offsets();
                (to[red], to[green], to[blue]) = (from[0], from[1], from[2]);
            }
        }
        return (pixels, stride);
    }
}
