using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Parity;

/// <summary>Detections, starting from the picture file, against torchvision's and Detectron2's.</summary>
public sealed class DetectionParityTests(string deviceId) : ModelTests(deviceId)
{
    private const float FoundFrom = 0.1f;
    private const float NoExtraFrom = 0.12f;

    [TestCaseSource(typeof(ReferenceCase), nameof(ReferenceCase.Pictures))]
    public void Finds_what_the_reference_finds_and_nothing_else(string name, string picture)
    {
        var reference = new ReferenceCase(name);
        using var detector = reference.Load(Device);
        Check(reference.Expected()[picture], detector.Detect(reference.Picture(picture)));
    }

    /// <summary>
    /// Starting from the file, as Detectron2's DefaultPredictor does: resized by Pillow, antialiased where the picture shrinks.
    /// Compares boxes only, because this fixture has no masks.
    /// </summary>
    [TestCaseSource(typeof(ReferenceCase), nameof(ReferenceCase.Detectron2Pictures))]
    public void Finds_what_the_predictor_of_Detectron2_finds(string name, string picture)
    {
        var reference = new ReferenceCase(name);
        using var detector = reference.Load(Device, antialias: true);
        var found = detector.Detect(reference.Picture(picture)).Select(d => d with { Mask = null });
        Check(reference.Expected("detections_pil")[picture], [.. found]);
    }

    [TestCaseSource(typeof(ReferenceCase), nameof(ReferenceCase.Names))]
    public void The_same_picture_twice_gives_the_same_detections(string name)
    {
        var reference = new ReferenceCase(name);
        using var detector = reference.Load(Device);
        var picture = PictureReader.Read(reference.Picture(reference.Expected().Keys.First()));
        var first = detector.Detect(picture);
        Assert.That(first, Is.Not.Empty);
        Assert.That(detector.Detect(picture), Is.EqualTo(first));
    }

    /// <summary>
    /// A batch's pictures are padded to the largest, as in torchvision; apart from that, they don't affect each other.
    /// </summary>
    [TestCase("shapes")]
    [TestCase("zoo/fasterrcnn-v2")]
    [TestCase("zoo/maskrcnn")]
    [TestCase("zoo/mobilenet-v3-large")]
    [TestCase("zoo/retinanet-v2")]
    [TestCase("detectron2/d2-rpn-r50")]
    public void A_batch_of_equal_pictures_gives_each_the_same_detections_as_alone(string name)
    {
        var reference = new ReferenceCase(name);
        using var detector = reference.Load(Device);
        var file = reference.Expected().Keys.First();
        var picture = PictureReader.Read(reference.Picture(file));
        foreach (var found in detector.Detect([picture, picture, picture]))
            Check(reference.Expected()[file], found);
    }

    [TestCase("zoo/maskrcnn")]
    [TestCase("zoo/retinanet")]
    [TestCase("detectron2/d2-rpn-r50")]
    public void Nothing_is_found_if_no_score_is_above_the_threshold(string name)
    {
        var reference = new ReferenceCase(name);
        using var detector = reference.Load(Device);
        detector.ScoreThreshold = 1;
        var picture = PictureReader.Read(reference.Picture(reference.Expected().Keys.First()));
        Assert.That(detector.Detect([picture, picture]), Is.All.Empty);
    }

    /// <summary>A batch's pictures may differ in size; each mask has the size of its picture.</summary>
    [Test]
    public void Masks_of_a_batch_have_the_sizes_of_their_pictures()
    {
        var reference = new ReferenceCase("zoo/maskrcnn");
        using var detector = reference.Load(Device);
        RgbImage[] pictures = [.. reference.Expected().Keys.Select(f => PictureReader.Read(reference.Picture(f)))];
        detector.ScoreThreshold = 0.3f;
        var found = detector.Detect(pictures);
        Assert.That(found, Has.All.Not.Empty);
        foreach (var (objects, picture) in found.Zip(pictures))
        {
            foreach (var o in objects)
                Assert.That((o.Mask!.Width, o.Mask.Height), Is.EqualTo((picture.Width, picture.Height)));
        }
    }

    [Test]
    public void A_batch_of_different_sizes_finds_the_confident_objects_of_each()
    {
        var reference = new ReferenceCase("shapes");
        using var detector = reference.Load(Device);
        var expected = reference.Expected();
        var found = detector.Detect([.. expected.Keys.Select(f => PictureReader.Read(reference.Picture(f)))]);
        foreach (var ((file, detections), i) in expected.Select((e, i) => (e, i)))
        {
            var clear = detections.Where(d => d.Score > 0.9f).ToList();
            Assert.That(clear, Is.Not.Empty);
            foreach (var wanted in clear)
                Assert.That(found[i].Any(d => d.ClassId == wanted.Label && Iou(d.BoxImagePx, wanted.Box) > 0.9f), $"{file}: {wanted}");
        }
    }

    private static void Check(List<ExpectedDetection> expected, IReadOnlyList<DetectedObject> found)
    {
        Assert.That(expected.Where(e => e.Score >= FoundFrom), Is.Not.Empty);
        var used = new HashSet<int>();
        foreach (var wanted in expected.Where(e => e.Score >= FoundFrom))
        {
            var match = Enumerable.Range(0, found.Count).Where(i => !used.Contains(i) && found[i].ClassId == wanted.Label)
                .OrderByDescending(i => Iou(found[i].BoxImagePx, wanted.Box)).DefaultIfEmpty(-1).First();
            Assert.That(match, Is.GreaterThanOrEqualTo(0), $"{wanted} was not found");
            used.Add(match);
            Assert.Multiple(() =>
            {
                Assert.That(Iou(found[match].BoxImagePx, wanted.Box), Is.GreaterThanOrEqualTo(0.99f), $"{wanted} against {found[match]}");
                Assert.That(found[match].Score, Is.EqualTo(wanted.Score).Within(0.002f), $"{wanted} against {found[match]}");
                Assert.That(found[match].Mask is null, Is.EqualTo(wanted.MaskRuns is null));
                if (wanted.MaskRuns is { } runs && found[match].Mask is { } mask)
                    Assert.That(Iou(mask, runs), Is.GreaterThanOrEqualTo(0.99), $"the mask of {wanted}");
            });
        }
        var extra = Enumerable.Range(0, found.Count).Where(i => !used.Contains(i) && found[i].Score > NoExtraFrom);
        Assert.That(extra.Select(i => found[i]), Is.Empty);
    }

    /// <summary>The IoU of two masks; 1 if both are empty.</summary>
    private static double Iou(ObjectMask mask, int[] runs)
    {
        var a = mask.ToPixels();
        var b = ObjectMask.FromRuns(runs, mask.Width, mask.Height).ToPixels();
        var shared = a.Zip(b, (x, y) => x & y).Sum(v => v);
        var joint = a.Zip(b, (x, y) => x | y).Sum(v => v);
        return joint == 0 ? 1 : (double)shared / joint;
    }

    private static float Iou(Box a, Box b)
    {
        var w = Math.Max(0, Math.Min(a.X2, b.X2) - Math.Max(a.X1, b.X1));
        var h = Math.Max(0, Math.Min(a.Y2, b.Y2) - Math.Max(a.Y1, b.Y1));
        return w * h / (a.Area + b.Area - w * h);
    }
}
