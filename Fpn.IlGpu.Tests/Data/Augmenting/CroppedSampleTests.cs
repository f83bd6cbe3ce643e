using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Data;

/// <summary>Crops and large-scale jitter: boxes and masks move together with the pixels that they belong to.</summary>
internal sealed class CroppedSampleTests
{
    private const int Width = 90;
    private const int Height = 70;
    private const int Seeds = 200;
    private const byte Full = 255;

    // A rectangle in each channel, and so in each class. The picture is black around them.
    private static readonly Box[] Rectangles = [new(5, 6, 25, 40), new(40, 10, 80, 30), new(50, 45, 60, 66)];

    private static readonly Augmentation Cropping = new() { ShorterSides = [64], LongestSide = 128, Crop = new IouCrop() };

    private static readonly Augmentation Jittering = new() { Jitter = new ScaleJitter { Smallest = 0.3, Largest = 3, Side = 64 } };

    private static TestCaseData[] Augmentations =>
    [
        new TestCaseData(Cropping).SetArgDisplayNames("iou_crop"),
        new TestCaseData(Jittering).SetArgDisplayNames("scale_jitter"),
        new TestCaseData(Jittering with { Crop = new IouCrop(), FlipProbability = 1 }).SetArgDisplayNames("both, mirrored"),
    ];

    [TestCaseSource(nameof(Augmentations))]
    public void Boxes_and_masks_are_where_their_pixels_are(Augmentation augmentation)
    {
        var (cut, whole) = (0, 0);
        for (var seed = 0; seed < Seeds; seed++)
        {
            var sample = augmentation.Apply(Picture(), seed, 0, 0, withMasks: true);
            var (scaleX, scaleY) = ((float)sample.ResizedW / sample.Image.Width, (float)sample.ResizedH / sample.Image.Height);
            foreach (var found in sample.Objects)
            {
                var pixels = PixelsOf(sample.Image, found.ClassIndex);
                var box = found.BoxInputPx;
                var inPx = new Box(box.X1 / scaleX, box.Y1 / scaleY, box.X2 / scaleX, box.Y2 / scaleY);
                var bounds = MaskOverlap.Bounds(pixels);
                float[] wrong = [inPx.X1 - bounds.Left, inPx.Y1 - bounds.Top, inPx.X2 - bounds.Right, inPx.Y2 - bounds.Bottom];
                var isInside = box.X1 >= 0 && box.Y1 >= 0 && box.X2 <= sample.ResizedW + 0.01 && box.Y2 <= sample.ResizedH + 0.01;
                var isRight = pixels.Equals(found.Mask) && wrong.All(px => Math.Abs(px) < 0.01) && isInside && box.Width > 0 && box.Height > 0;
                Assert.That(isRight, $"seed {seed}: {box}, pixels at {bounds}");
                _ = pixels.Area < Rectangles[found.ClassIndex].Area ? cut++ : whole++;
            }
        }
        Assert.That(Math.Min(cut, whole), Is.GreaterThan(20), "both kinds occur");
    }

    [TestCaseSource(nameof(Augmentations))]
    public void The_same_seed_gives_the_same_sample_and_another_one_another(Augmentation augmentation)
    {
        var augmented = augmentation with { Photometric = new PhotometricDistort() };
        string Said(long seed, long epoch) => Sentence(augmented.Apply(Picture(), seed, epoch, 7));
        var first = Said(5, 2);
        Assert.That(Said(5, 2), Is.EqualTo(first));
        Assert.That(Enumerable.Range(0, 30).Select(i => Said(i, 0)).Distinct().Count(), Is.GreaterThan(20));
        Assert.That(Enumerable.Range(0, 30).Select(i => Said(5, i)).Distinct().Count(), Is.GreaterThan(20));
    }

    [TestCase(1, 1)]
    [TestCase(4, 9)]
    public void Any_number_of_threads_and_any_first_step_give_the_same_samples(int workers, int first)
    {
        var options = new SampleLoaderOptions
        {
            BatchSize = 3,
            Seed = 11,
            Augmentation = new Augmentation
            {
                Photometric = new PhotometricDistort(),
                Crop = new IouCrop(),
                Jitter = new ScaleJitter { Side = 32 },
            },
        };
        string[] Load(SampleLoaderOptions with, int steps)
        {
            using var loader = new SampleLoader(new NumberedPictures(10, 4), with);
            return [.. Enumerable.Range(0, steps).SelectMany(_ => loader.Next().Samples).Select(Sentence)];
        }
        var all = Load(options, 12);
        Assert.That(Load(options with { Workers = workers, Ahead = 20, FirstStep = first }, 12 - first), Is.EqualTo(all[(3 * first)..]));
    }

    [Test]
    public void Other_augmentation_leaves_the_mirroring_and_the_size_as_they_are()
    {
        var plain = new Augmentation { ShorterSides = [40, 50, 60] };
        var colours = plain with { Photometric = new PhotometricDistort() };
        for (var seed = 0; seed < 50; seed++)
        {
            var (a, b) = (plain.Apply(Picture(), seed, 0, 0), colours.Apply(Picture(), seed, 0, 0));
            Assert.That((b.IsMirrored, b.ResizedH, b.ResizedW), Is.EqualTo((a.IsMirrored, a.ResizedH, a.ResizedW)));
            Assert.That(b.Objects, Is.EqualTo(a.Objects));
            Assert.That(a.Part, Is.Null);
        }
    }

    [Test]
    public void A_crop_follows_the_rules_of_torchvisions_RandomIoUCrop()
    {
        var crop = new IouCrop();
        var whole = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            if (crop.Draw(Width, Height, Rectangles, new KeyedRandom(seed)) is not { } part)
            {
                whole++;
                continue;
            }
            Assert.That(part.Left >= 0 && part.Top >= 0 && part.Right <= Width && part.Bottom <= Height);
            Assert.That(part.Width, Is.InRange(0.3 * Width - 1, Width));
            Assert.That(part.Height, Is.InRange(0.3 * Height - 1, Height));
            Assert.That((double)part.Width / part.Height, Is.InRange(0.5, 2));
            Assert.That(Rectangles.Any(box => IouCrop.HasCentre(part, box)));
        }
        // One overlap of seven leaves the picture whole; others may fail 40 times and be drawn again.
        Assert.That(whole, Is.InRange(15, 140));
        Assert.That(crop.Draw(Width, Height, [], new KeyedRandom(1)), Is.Null, "there is nothing to crop around");
        var overlapping = new IouCrop { Overlaps = [0.9, 1] };
        for (var seed = 0; seed < Seeds; seed++)
        {
            if (overlapping.Draw(50, 50, [new Box(5, 5, 45, 45)], new KeyedRandom(seed)) is { } part)
                Assert.That((double)1600 / Math.Max(part.Area, 1600), Is.GreaterThanOrEqualTo(0.9), "the crop is about as large as the object");
        }
    }

    [Test]
    public void An_object_whose_centre_is_outside_the_crop_is_dropped_but_an_ignored_one_stays()
    {
        var outside = new AnnotatedObject(new Box(0, 0, 30, 30), 1);
        var picture = new SourcePicture(new RgbImage(40, 40),
            [new(new Box(22, 22, 38, 38), 0), outside, outside with { IsIgnored = true }]);
        var part = new PixelRectangle(20, 20, 40, 40);
        var cropped = PictureCrop.Of(picture, part, o => o.IsIgnored || IouCrop.HasCentre(part, o.BoxImagePx), withMasks: false);
        Assert.That(cropped.Objects.Select(o => (o.BoxImagePx, o.IsIgnored)), Is.EqualTo(new[]
        {
            (new Box(2, 2, 18, 18), false), (new Box(0, 0, 10, 10), true),
        }));
    }

    [Test]
    public void A_cut_object_has_the_box_of_what_is_left_of_its_mask()
    {
        // An L: a column of 10 × 40 px and a foot of 40 × 10 px. Above the foot, only the column is left.
        var pixels = new byte[50 * 50];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (y, x) = (i / 50, i % 50);
            pixels[i] = x is >= 5 and < 45 && y is >= 5 and < 45 && (x < 15 || y >= 35) ? (byte)1 : (byte)0;
        }
        var mask = ObjectMask.FromPixels(pixels, 50, 50);
        var picture = new SourcePicture(new RgbImage(50, 50), [new(new Box(5, 5, 45, 45), 0) { Mask = mask }]);
        AnnotatedObject[] Crop(PixelRectangle part, bool withMasks) => [.. PictureCrop.Of(picture, part, _ => true, withMasks).Objects];

        var above = Crop(new PixelRectangle(0, 0, 50, 30), withMasks: true).Single();
        Assert.That(above.BoxImagePx, Is.EqualTo(new Box(5, 5, 15, 30)));
        Assert.That(above.Mask!.Area, Is.EqualTo(250));
        Assert.That(Crop(new PixelRectangle(0, 0, 50, 30), withMasks: false).Single().BoxImagePx, Is.EqualTo(new Box(5, 5, 45, 30)));
        Assert.That(Crop(new PixelRectangle(20, 0, 50, 30), withMasks: true), Is.Empty, "only its box reaches there");
    }

    [Test]
    public void Large_scale_jitter_has_the_references_sizes()
    {
        // 90 × 70 px into 64 px: factors from 64/90 · 0.1 to 64/90 · 2, cut off to whole px.
        var jitter = new ScaleJitter { Side = 64 };
        var sizes = Enumerable.Range(0, 500).Select(seed => jitter.Draw(Width, Height, new KeyedRandom(seed))).ToList();
        Assert.That(sizes.Min(s => s.ResizedW), Is.InRange(6, 9));
        Assert.That(sizes.Max(s => s.ResizedW), Is.EqualTo(64));
        foreach (var (part, h, w) in sizes)
        {
            var isWhole = part.Width == Width;
            Assert.That(isWhole ? w <= 64 : w == 64);
            // Both axes are scaled alike, but for what rounding to whole px does.
            Assert.That((double)h / part.Height, Is.EqualTo((double)w / part.Width).Within((1.0 + (double)w / part.Width) / part.Height));
            Assert.That(part.Left >= 0 && part.Top >= 0 && part.Right <= Width && part.Bottom <= Height);
        }
        Assert.That(sizes.Count(s => s.Part.Width < Width), Is.InRange(180, 330), "a scale above 1 crops");
    }

    [Test]
    public void Proposals_follow_a_crop()
    {
        var proposals = GivenProposals.Of(
            Rectangles.Select(box => new FoundObject(7, 0, 1, new(box.X1, box.Y1, box.Width, box.Height), box.Area)), 10);
        for (var seed = 0; seed < 50; seed++)
        {
            var sample = (Jittering with { Crop = new IouCrop() }).Apply(Picture(), seed, 0, 0);
            var boxes = proposals.OfSample(sample, 7);
            foreach (var found in sample.Objects)
            {
                var nearest = boxes.Min(box => Math.Abs(box.X1 - found.BoxInputPx.X1) + Math.Abs(box.X2 - found.BoxInputPx.X2)
                    + Math.Abs(box.Y1 - found.BoxInputPx.Y1) + Math.Abs(box.Y2 - found.BoxInputPx.Y2));
                Assert.That(nearest, Is.LessThan(0.01), $"seed {seed}");
            }
        }
    }

    private static SourcePicture Picture()
    {
        var image = new RgbImage(Width, Height);
        foreach (var (channel, box) in Rectangles.Index())
        {
            for (var y = (int)box.Y1; y < box.Y2; y++)
            {
                for (var x = (int)box.X1; x < box.X2; x++)
                    image.Pixels[(y * Width + x) * RgbImage.Channels + channel] = Full;
            }
        }
        return new SourcePicture(
            image, [.. Rectangles.Select((box, channel) => new AnnotatedObject(box, channel) { Mask = PixelsOf(image, channel) })]);
    }

    private static ObjectMask PixelsOf(RgbImage image, int channel)
    {
        var pixels = new byte[image.Width * image.Height];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = image.Pixels[i * RgbImage.Channels + channel];
        return ObjectMask.FromPixels(pixels, image.Width, image.Height);
    }

    private static string Sentence(TrainingSample sample)
        => $"{sample.Index} {sample.IsMirrored} {sample.Part} {sample.ResizedH} {sample.ResizedW} {string.Join(' ', sample.Objects)} "
            + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(sample.Image.Pixels));
}
