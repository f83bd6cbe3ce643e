using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Masks at picture size, against nested loops and against torchvision and Detectron2.</summary>
public sealed class MaskPasteTests(string deviceId) : DeviceTests(deviceId)
{
    // A pixel whose probability is this close to the threshold may fall on either side of it. Exact ties have their own test.
    private const float Slack = 1e-4f;

    [Test]
    public void Masks_agree_with_torchvision_and_detectron2(
        [Range(0, MaskPasteFixture.Cases - 1)] int number, [Values] bool rounded, [Values(0.1f, 0.5f, 0.9f)] float threshold)
    {
        var fixture = new MaskPasteFixture(number);
        var objects = fixture.Objects(rounded).ToArray();
        Assert.That(objects, Has.Length.EqualTo(rounded ? 8 : 10));
        Check(objects, fixture.Side, fixture.Height, fixture.Width, threshold, rounded);
    }

    [TestCase(37, 53, 28, 0.5f)]
    [TestCase(64, 32, 14, 0.5f)]
    [TestCase(1, 90, 7, 0.3f)]
    [TestCase(90, 1, 7, 0.3f)]
    [TestCase(1, 1, 28, 0.5f)]
    [TestCase(120, 97, 1, 0.2f)]
    [TestCase(41, 33, 28, 0.01f)]
    public void Masks_agree_with_nested_loops(int height, int width, int side, float threshold)
    {
        foreach (var rounded in new[] { true, false })
            Check(RandomObjects(25, side, height, width, rounded), side, height, width, threshold, rounded);
    }

    [TestCase(1)]
    [TestCase(50)]
    [TestCase(300)]
    public void Pasting_in_chunks_gives_the_same_masks(int wordsAtOnce)
    {
        var objects = RandomObjects(25, 14, 47, 61, rounded: true);
        var whole = Paste(objects, 14, 47, 61, 0.5f, rounded: true);
        Assert.That(whole.Count(m => m.Area > 0), Is.GreaterThan(10));
        Assert.That(Paste(objects, 14, 47, 61, 0.5f, rounded: true, wordsAtOnce), Is.EqualTo(whole));
    }

    [Test]
    public void A_probability_equal_to_the_threshold_counts_only_for_exact_boxes([Values] bool rounded)
    {
        // Every cell is 0.5. Of the rounded box, grown to 3 × 3 px, only the middle pixel lies wholly on cells.
        var (box, mask) = (rounded ? new float[] { 1, 1, 2, 2 } : [0, 0, 4, 4], Enumerable.Repeat(0.5f, 16).ToArray());
        var pasted = Paste([(mask, box, [])], 4, 4, 4, 0.5f, rounded).Single();
        Assert.That(pasted.Area, Is.EqualTo(rounded ? 0 : 16));
        var below = Paste([(mask, box, [])], 4, 4, 4, 0.49f, rounded).Single();
        Assert.That(below.Area, Is.EqualTo(rounded ? 1 : 16));
    }

    [Test]
    public void Degenerate_and_non_finite_boxes_have_small_or_empty_masks([Values] bool rounded)
    {
        float[][] boxes =
        [
            [5, 5, 5, 5], [7, 7, 3, 3], [float.NaN, 0, 4, 4], [0, 0, float.PositiveInfinity, 5], [-3e38f, -3e38f, 3e38f, 3e38f],
            [5, 5, 5 + 1e-7f, 5], [1e30f, 1e30f, 2e30f, 2e30f], [4.499999f, 4.499999f, 4.500001f, 4.500001f],
        ];
        var ones = Enumerable.Repeat(1f, 49).ToArray();
        var masks = Paste([.. boxes.Select(b => (ones, b, Array.Empty<float>()))], 7, 20, 30, 0.5f, rounded);
        Assert.That(masks.Select(m => (m.Width, m.Height)), Is.All.EqualTo((30, 20)));
        Assert.That(masks[0].Area, Is.EqualTo(rounded ? 1 : 0), "as in torchvision, whose boxes include both corners");
        foreach (var i in new[] { 1, 2, 6 })
            Assert.That(masks[i].Area, Is.Zero, $"box {i}");
        Assert.That(masks[7].Area, Is.EqualTo(1), "smaller than a pixel, around a pixel's centre");
    }

    [Test]
    public void No_objects_give_no_masks()
    {
        using var none = Device.Rent<float>(0);
        Assert.That(ObjectMasks.Paste(Device, none.View, 28, [], 0.5f, true), Is.Empty);
    }

    [Test]
    public void Too_few_masks_are_refused()
    {
        using var one = Device.Rent<float>(16);
        Assert.That(
            () => ObjectMasks.Paste(Device, one.View, 4, [default, default], 0.5f, true), Throws.TypeOf<ArgumentException>());
    }

    private static (float[] Mask, float[] Box, float[] Pasted)[] RandomObjects(int count, int side, int height, int width, bool rounded)
        => [.. CaseValues.Boxes(count, 3, width, height).Chunk(4).Select((box, i) =>
        {
            var mask = CaseValues.Uniform(side * side, i, 0, 1);
            return (mask, box, MaskPasteReference.Run(mask, side, box, height, width, rounded));
        })];

    private ObjectMask[] Paste(
        (float[] Mask, float[] Box, float[] Pasted)[] objects, int side, int height, int width, float threshold, bool rounded,
        int wordsAtOnce = 1 << 24)
    {
        using var probabilities = Device.Upload<float>([.. objects.SelectMany(o => o.Mask)]);
        MaskTarget[] targets = [.. objects.Select(o => new MaskTarget(new Box(o.Box[0], o.Box[1], o.Box[2], o.Box[3]), width, height))];
        return ObjectMasks.Paste(Device, probabilities.View, side, targets, threshold, rounded, wordsAtOnce);
    }

    private void Check(
        (float[] Mask, float[] Box, float[] Pasted)[] objects, int side, int height, int width, float threshold, bool rounded)
    {
        var masks = Paste(objects, side, height, width, threshold, rounded);
        var (inside, unsure) = (0, 0);
        for (var d = 0; d < objects.Length; d++)
        {
            var pixels = masks[d].ToPixels();
            for (var i = 0; i < pixels.Length; i++)
            {
                var p = objects[d].Pasted[i];
                inside += pixels[i];
                if (Math.Abs(p - threshold) < Slack)
                    unsure++;
                else
                    Assert.That(pixels[i] != 0, Is.EqualTo(p > threshold), $"object {d}, row {i / width}, column {i % width}: {p}");
            }
        }
        Assert.That(unsure, Is.LessThan(1 + objects.Length * height * width / 100), "pixels too close to the threshold");
        if (height > 1 && width > 1)
            Assert.That(inside, Is.GreaterThan(height * width / 10), "pixels inside");
    }
}
