using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Imaging;

[TestFixture]
public sealed class RgbImageTests
{
    [Test]
    public void Pixels_are_kept_not_copied()
    {
        var pixels = new byte[4 * 3 * 3];
        var image = new RgbImage(4, 3, pixels);
        Assert.That(image.Pixels, Is.SameAs(pixels));
        Assert.That((image.Width, image.Height), Is.EqualTo((4, 3)));
    }

    [TestCase(0, 1)]
    [TestCase(1, 0)]
    [TestCase(-5, 5)]
    [TestCase(60000, 60000)]
    public void Impossible_sizes_are_refused(int width, int height)
        => Assert.That(() => new RgbImage(width, height), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void Pixels_of_the_wrong_length_are_refused()
        => Assert.That(() => new RgbImage(2, 2, new byte[11]), Throws.ArgumentException);
}
