using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Imaging;

[TestFixture]
[NonParallelizable]
public sealed class BadPictureTests
{
    private string folder = "";

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-pictures-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    [TestCase("text.jpg", "no picture")]
    [TestCase("empty.png", "empty")]
    [TestCase("picture.gif", "GIF")]
    [TestCase("claims-60000x60000.png", "60000 x 60000")]
    [TestCase("claims-20000x20000.png", "20000 x 20000")]
    [TestCase("claims-9000x9000.png", "far too small")]
    [TestCase("claims-65000x1500.jpg", "far too small")]
    public void Unreadable_pictures_are_refused_with_a_sentence(string name, string saying)
    {
        var path = PictureFixtures.PathOf(name);
        var allocated = TimedReader.AllocatedBy(() =>
        {
            var exception = Assert.Throws<PictureException>(() => TimedReader.ReadFile(path));
            AssertIsSentence(exception, $"'{path}'");
            Assert.That(exception!.Message, Does.Contain(saying));
        });
        Assert.That(allocated, Is.LessThan(16 << 20), "bytes allocated");
    }

    [Test]
    public void A_missing_file_is_named()
    {
        var path = Path.Combine(folder, "missing.jpg");
        AssertIsSentence(Assert.Throws<PictureException>(() => PictureReader.Read(path)), $"'{path}'");
        path = Path.Combine(folder, "no-folder", "missing.jpg");
        AssertIsSentence(Assert.Throws<PictureException>(() => PictureReader.Read(path)), $"'{path}'");
    }

    [Test]
    public void A_folder_is_refused()
    {
        var exception = Assert.Throws<PictureException>(() => PictureReader.Read(folder));
        AssertIsSentence(exception, $"'{folder}'");
        Assert.That(exception!.Message, Does.Contain("folder"));
    }

    [TestCase("")]
    [TestCase("a\0b.png")]
    public void Impossible_file_names_are_refused(string path)
        => Assert.That(() => PictureReader.Read(path), Throws.TypeOf<PictureException>());

    [Test]
    public void A_locked_file_is_named()
    {
        var path = Path.Combine(folder, "held.png");
        using var held = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        AssertIsSentence(Assert.Throws<PictureException>(() => PictureReader.Read(path)), $"'{path}'");
    }

    [TestCase("ycc420.jpg")]
    [TestCase("ycc420-progressive.jpg")]
    [TestCase("restarts.jpg")]
    [TestCase("rgb8.png")]
    [TestCase("rgba16-interlaced.png")]
    [TestCase("palette4.png")]
    public void A_file_cut_short_anywhere_is_refused(string name)
    {
        var file = PictureFixtures.Bytes(name);
        Assert.DoesNotThrow(() => TimedReader.Read(file));
        for (var length = 0; length < file.Length; length += length < file.Length - 20 ? 7 : 1)
        {
            Assert.That(() => TimedReader.Read(file[..length]), Throws.TypeOf<PictureException>(), $"cut to {length} bytes");
        }
    }

    [Test]
    public void BMP_and_WebP_cut_short_are_refused(
        [Values("picture.bmp", "palette.bmp", "picture.webp", "lossy.webp", "animated.webp")] string name)
    {
        var file = PictureFixtures.Bytes(name);
        for (var length = 0; length < file.Length; length += 13)
        {
            Assert.That(() => TimedReader.Read(file[..length]), Throws.TypeOf<PictureException>(), $"cut to {length} bytes");
        }
    }

    [Test]
    public void The_limit_on_pixels_is_an_option()
    {
        var picture = PictureFixtures.Expected("rgb8.png");
        var pixels = (long)picture.Width * picture.Height;
        var path = PictureFixtures.PathOf("rgb8.png");
        Assert.That(PictureReader.Read(path, new PictureLimits { MaxPixels = pixels }).Width, Is.EqualTo(picture.Width));
        Assert.That(
            () => PictureReader.Read(path, new PictureLimits { MaxPixels = pixels - 1 }),
            Throws.TypeOf<PictureException>().With.Message.Contains("limit"));
    }

    [Test]
    public void The_limit_on_bytes_is_an_option()
    {
        var file = PictureFixtures.Bytes("rgb8.png");
        Assert.DoesNotThrow(() => PictureReader.Read(new MemoryStream(file), new PictureLimits { MaxBytes = file.Length }));
        Assert.That(
            () => PictureReader.Read(new MemoryStream(file), new PictureLimits { MaxBytes = file.Length - 1 }),
            Throws.TypeOf<PictureException>().With.Message.Contains("limit"));
    }

    private static void AssertIsSentence(PictureException? exception, string name)
    {
        Assert.That(exception!.Message, Does.EndWith(".").And.Contain(name));
        Assert.That(exception.Message, Does.Not.Contain("\n").And.Not.Contain("Exception"));
        Assert.That(exception.Message, Has.Length.GreaterThan(20));
    }
}
