using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Data;

/// <summary>
/// Changes of colour. The expected levels are torchvision's formulas, computed by hand in float32 from its sources; the hues also by
/// Python's colorsys.
/// </summary>
public sealed class PhotometricDistortTests
{
    private static readonly byte[] Levels = [200, 100, 50, 10, 20, 30, 255, 0, 128, 90, 90, 90, 3, 250, 7, 0, 0, 255];

    private static TestCaseData[] Cases =>
    [
        new("brightness", 0.875, new byte[] { 175, 87, 43, 8, 17, 26, 223, 0, 112, 78, 78, 78, 2, 218, 6, 0, 0, 223 }),
        new("brightness", 1.125, new byte[] { 225, 112, 56, 11, 22, 33, 255, 0, 144, 101, 101, 101, 3, 255, 7, 0, 0, 255 }),
        new("contrast", 0.5, new byte[] { 141, 91, 66, 46, 51, 56, 169, 41, 105, 86, 86, 86, 43, 166, 45, 41, 41, 169 }),
        new("contrast", 1.5, new byte[] { 255, 108, 33, 0, 0, 3, 255, 0, 150, 93, 93, 93, 0, 255, 0, 0, 0, 255 }),
        new("saturation", 0.5, new byte[] { 162, 112, 87, 14, 19, 24, 172, 45, 109, 89, 89, 89, 75, 199, 77, 14, 14, 142 }),
        new("saturation", 1.5, new byte[] { 238, 88, 13, 6, 21, 36, 255, 0, 147, 90, 90, 90, 0, 255, 0, 0, 0, 255 }),
        new("hue", -0.05, new byte[] { 200, 55, 50, 10, 26, 30, 255, 0, 205, 90, 90, 90, 73, 250, 3, 0, 76, 255 }),
        new("hue", 0.05, new byte[] { 200, 145, 50, 10, 14, 30, 255, 0, 51, 90, 90, 90, 3, 250, 81, 76, 0, 255 }),
        new("hue", 0.31, new byte[] { 50, 200, 79, 30, 10, 22, 164, 255, 0, 90, 90, 90, 3, 33, 250, 255, 0, 35 }),
    ];

    [TestCaseSource(nameof(Cases))]
    public void A_change_gives_torchvisions_levels(string change, double value, byte[] expected)
    {
        var image = Picture();
        Action<RgbImage, double> apply = change switch
        {
            "brightness" => PhotometricDistort.ChangeBrightness,
            "contrast" => PhotometricDistort.ChangeContrast,
            "saturation" => PhotometricDistort.ChangeSaturation,
            _ => PhotometricDistort.TurnHue,
        };
        apply(image, value);
        Assert.That(image.Pixels, Is.EqualTo(expected));
    }

    [Test]
    public void Nothing_changes_with_probability_0_and_all_of_it_with_probability_1()
    {
        var (never, always) = (Picture(), Picture());
        new PhotometricDistort { Probability = 0 }.Apply(never, new KeyedRandom(1));
        new PhotometricDistort { Probability = 1, Brightness = [0, 0] }.Apply(always, new KeyedRandom(1));
        Assert.That(never.Pixels, Is.EqualTo(Levels));
        // A black picture stays black, whatever follows.
        Assert.That(always.Pixels, Is.All.Zero);
    }

    [Test]
    public void Each_change_happens_half_the_time_and_channels_change_places()
    {
        var gentle = new PhotometricDistort { Brightness = [1, 1], Contrast = [1, 1], Saturation = [1, 1], Hue = [0, 0] };
        var orders = new HashSet<string>();
        var same = 0;
        for (var seed = 0; seed < 200; seed++)
        {
            var image = new RgbImage(1, 1, [1, 2, 3]);
            (gentle with { SwapChannels = seed % 2 == 0 }).Apply(image, new KeyedRandom(seed));
            Assert.That(image.Pixels, Is.EquivalentTo(new[] { 1, 2, 3 }));
            orders.Add(string.Join(' ', image.Pixels));
            same += image.Pixels is [1, 2, 3] ? 1 : 0;
        }
        Assert.That(orders, Has.Count.EqualTo(6));
        // 100 never change; of the others, half are not permuted, and a sixth of the permutations changes nothing.
        Assert.That(same, Is.InRange(100 + 38, 100 + 78));
    }

    private static RgbImage Picture() => new(2, 3, [.. Levels]);
}
