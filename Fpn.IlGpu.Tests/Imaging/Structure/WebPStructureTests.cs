namespace Fpn.IlGpu.Tests.Imaging;

[TestFixture]
[NonParallelizable]
public sealed class WebPStructureTests
{
    // The offset of the canvas width in VP8X, the first chunk.
    private const int CanvasWidth = 24;

    [TestCase("picture.webp")]
    [TestCase("animated.webp", Description = "the first of its frames")]
    [TestCase("orientation-6.webp")]
    [TestCase("orientation-6-prefixed.webp")]
    public void Lossless_pixels_are_exact(string name)
    {
        var picture = TimedReader.Read(PictureFixtures.Bytes(name));
        var expected = PictureFixtures.Expected(name);
        Assert.That((picture.Width, picture.Height), Is.EqualTo((expected.Width, expected.Height)));
        Assert.That(picture.Pixels, Is.EqualTo(expected.Pixels));
    }

    [Test]
    public void Lossy_pixels_equal_those_of_libwebp()
    {
        (var mean, var max) = PictureFixtures.Difference(
            TimedReader.Read(PictureFixtures.Bytes("lossy.webp")), PictureFixtures.Expected("lossy.webp"));
        TestContext.Out.WriteLine($"mean {mean:0.000}, max {max}");
        Assert.That((mean, max), Is.EqualTo((0.0, 0)));
    }

    [Test]
    public void A_first_frame_that_covers_only_part_of_the_picture_is_refused()
    {
        var file = PictureFixtures.Bytes("animated.webp");
        file[CanvasWidth]++;
        TimedReader.AssertRefused(file, "only a part");
    }

    [Test]
    public void A_canvas_whose_size_differs_from_the_pictures_is_refused()
    {
        var file = PictureFixtures.Bytes("orientation-6.webp");
        file[CanvasWidth]++;
        TimedReader.AssertRefused(file, "two different sizes");
    }

    [Test]
    public void A_file_without_a_picture_is_refused()
    {
        var file = PictureFixtures.Bytes("picture.webp");
        file[15] = (byte)'?';
        TimedReader.AssertRefused(file, "without a picture");
    }
}
