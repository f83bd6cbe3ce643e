using System.Text.Json;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>
/// What a mask head is to learn, from annotations to targets, against torchvision (fixtures/make_masks.py); and against a bitmap that
/// is resized and then pooled by nested loops.
/// </summary>
public class MaskTargetTests
{
    private static readonly string Fixtures = Path.Combine(TestContext.CurrentContext.TestDirectory, "Training", "fixtures");

    private static readonly Lazy<StateDictionary> Expected = new(() => Safetensors.Open(Path.Combine(Fixtures, "masks.safetensors")));

    private static IEnumerable<int> Numbers => Enumerable.Range(0, int.Parse(Expected.Value.Metadata["cases"], null));

    [TestCaseSource(nameof(Numbers))]
    public void Targets_are_torchvisions(int number)
    {
        var parameters = JsonDocument.Parse(Expected.Value.Metadata[$"{number}"]).RootElement;
        int Whole(string name) => parameters.GetProperty(name).GetInt32();

        var augmentation = new Augmentation
        {
            FlipProbability = parameters.GetProperty("mirrored").GetBoolean() ? 1 : 0,
            ShorterSides = [Whole("shorter")],
            LongestSide = Whole("longest"),
        };
        var set = CocoAnnotations.Read(Path.Combine(Fixtures, "masks.json"), masks: true);
        var picture = set.Pictures.Single();
        var sample = augmentation.Apply(
            new SourcePicture(new RgbImage(picture.Width, picture.Height), picture.Objects), 1, 0, 0, withMasks: true);
        Assert.That((sample.ResizedH, sample.ResizedW), Is.EqualTo((Whole("h"), Whole("w"))));

        var truth = new PictureTruth(sample.Objects);
        var (rois, objects) = (Boxes($"{number}.rois"), Array.ConvertAll(Expected.Value[$"{number}.objects"].ToArray(), o => (int)o));
        var targets = MaskTargets.Of(Positives(rois, objects), truth, sample.ResizedH, sample.ResizedW, Whole("m"));
        Assert.That(targets.Positives, Is.EqualTo(Enumerable.Range(0, rois.Length)));
        Comparison.AssertClose(
            targets.Values, Expected.Value[$"{number}.targets"].ToArray(), 1e-5, 1e-5, [rois.Length, Whole("m"), Whole("m")]);
    }

    [TestCase(1, 1, 1, 1, 1)]
    [TestCase(5, 3, 11, 7, 3)]
    [TestCase(13, 29, 4, 9, 28)]
    [TestCase(40, 31, 91, 70, 5)]
    [TestCase(64, 64, 64, 64, 14)]
    public void Targets_are_those_of_the_resized_bitmap(int w, int h, int resizedW, int resizedH, int side)
    {
        var random = new KeyedRandom(w, h, side);
        for (var share = 0; share <= 4; share++)
        {
            var pixels = new byte[w * h];
            for (var i = 0; i < pixels.Length; i++)
                pixels[i] = (byte)(random.NextBelow(4) < share ? 1 : 0);
            float Random(float side) => side * (float)(random.NextUnit() * 1.6 - 0.3);

            Box[] rois =
            [
                new(0, 0, resizedW, resizedH), new(-5, -5, -1.5f, -1.5f), new(resizedW + 1, 0, resizedW + 30, resizedH),
                .. Enumerable.Range(0, 20).Select(_ => Sorted(Random(resizedW), Random(resizedH), Random(resizedW), Random(resizedH))),
            ];
            var resized = new float[resizedW * resizedH];
            for (var i = 0; i < resized.Length; i++)
                resized[i] = pixels[i / resizedW * h / resizedH * w + i % resizedW * w / resizedW];
            var expected = RoiAlignReference.Run(
                resized, [.. rois.SelectMany(b => new[] { b.X1, b.Y1, b.X2, b.Y2 })], null, new Shape4(1, resizedH, resizedW, 1), 1,
                (side, side), 0, aligned: false);

            var truth = new PictureTruth([new SampleObject(rois[0], 0) { Mask = ObjectMask.FromPixels(pixels, w, h) }]);
            var targets = MaskTargets.Of(Positives(rois, new int[rois.Length]), truth, resizedH, resizedW, side);
            Comparison.AssertClose(targets.Values, expected, 2e-5, 1e-5, [rois.Length, side, side]);
        }

        static Box Sorted(float x1, float y1, float x2, float y2)
            => new(Math.Min(x1, x2), Math.Min(y1, y2), Math.Max(x1, x2), Math.Max(y1, y2));
    }

    [Test]
    public void Objects_without_a_mask_and_crowds_are_left_out()
    {
        var mask = ObjectMask.FromRuns([0, 100], 10, 10);
        var truth = new PictureTruth(
        [
            new SampleObject(new Box(0, 0, 9, 9), 0, IsIgnored: true), new SampleObject(new Box(0, 0, 4, 4), 5),
            new SampleObject(new Box(3, 3, 3, 8), 6) { Mask = mask }, new SampleObject(new Box(4, 4, 8, 8), 7) { Mask = mask },
        ]);
        Assert.That(truth.Masks, Is.EqualTo(new[] { null, mask }));
        var rois = new RoiTargets([truth.Boxes[1], truth.Boxes[0], truth.Boxes[1], truth.Boxes[0]], [7, 5, 7, -1], [1, 0, 1], []);
        var targets = MaskTargets.Of(rois, truth, 10, 10, 3);
        Assert.That(targets.Positives, Is.EqualTo(new[] { 0, 2 }));
        Assert.That(targets.Values, Has.Length.EqualTo(2 * 9).And.All.EqualTo(1).Within(1e-6));
    }

    [Test]
    public void No_positives_give_no_targets()
        => Assert.That(MaskTargets.Of(Positives([], []), new PictureTruth([]), 10, 10, 28).Values, Is.Empty);

    private static RoiTargets Positives(Box[] rois, int[] truth) => new(rois, truth, truth, new float[4 * truth.Length]);

    private static Box[] Boxes(string name)
        => [.. Expected.Value[name].ToArray().Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];
}
