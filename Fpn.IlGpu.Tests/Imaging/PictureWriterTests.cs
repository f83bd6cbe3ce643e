using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Imaging;

[TestFixture]
public sealed class PictureWriterTests
{
    private string folder = "";

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-pictures-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    [TestCase("rgb8.png")]
    [TestCase("one-pixel.png")]
    [TestCase("thin.png")]
    [TestCase("narrow-interlaced.png")]
    public void A_PNG_reads_back_as_the_same_pixels(string name)
    {
        var picture = PictureFixtures.Expected(name);
        var path = Path.Combine(folder, "picture.png");
        PictureWriter.Write(picture, path);
        var back = PictureReader.Read(path);
        Assert.That((back.Width, back.Height), Is.EqualTo((picture.Width, picture.Height)));
        Assert.That(back.Pixels, Is.EqualTo(picture.Pixels));
    }

    [TestCase("rgb8.png", ".jpg")]
    [TestCase("rgb8.png", ".JPEG")]
    [TestCase("one-pixel.png", ".jpg")]
    [TestCase("thin.png", ".jpg")]
    public void A_JPEG_reads_back_as_nearly_the_same_pixels(string name, string extension)
    {
        var picture = PictureFixtures.Expected(name);
        var path = Path.Combine(folder, "picture" + extension);
        PictureWriter.Write(picture, path);
        Assert.That(File.ReadAllBytes(path)[..3], Is.EqualTo(new byte[] { 0xFF, 0xD8, 0xFF }));
        Assert.That(PictureFixtures.Difference(PictureReader.Read(path), picture).Mean, Is.LessThan(2.5));
    }

    [Test]
    public void A_JPEG_of_noise_reads_back_as_noise()
    {
        // Noise has long codes and bytes of 0xFF, which smooth pictures hardly have.
        var picture = new RgbImage(97, 61);
        new Random(1).NextBytes(picture.Pixels);
        using var stream = new MemoryStream();
        PictureWriter.Write(picture, stream, PictureFormat.Jpeg);
        stream.Position = 0;
        Assert.That(PictureFixtures.Difference(PictureReader.Read(stream), picture).Mean, Is.LessThan(12));
    }

    [Test]
    public void An_existing_file_is_replaced_and_nothing_else_is_left()
    {
        var path = Path.Combine(folder, "picture.png");
        File.WriteAllText(path, "something longer than nothing");
        PictureWriter.Write(PictureFixtures.Expected("rgb8.png"), path);
        Assert.That(PictureReader.Read(path).Pixels, Is.EqualTo(PictureFixtures.Expected("rgb8.png").Pixels));
        Assert.That(Directory.GetFileSystemEntries(folder), Is.EqualTo(new[] { path }));
    }

    [Test]
    public void A_file_that_cannot_be_written_is_named_and_nothing_is_left()
    {
        var picture = new RgbImage(2, 2);
        var file = Path.Combine(folder, "file");
        File.WriteAllText(file, "");
        var taken = Path.Combine(folder, "taken.png");
        Directory.CreateDirectory(taken);
        string[] paths =
        [
            Path.Combine(folder, "no-folder", "a.png"), Path.Combine(file, "a.png"), taken, Path.Combine(folder, "a.gif"),
            Path.Combine(folder, "a"), Path.Combine(folder, "a\0b.png"),
        ];
        foreach (var path in paths)
        {
            var exception = Assert.Throws<PictureException>(() => PictureWriter.Write(picture, path), path);
            Assert.That(exception!.Message, Does.Contain($"'{path}'").And.EndsWith("."));
        }
        Assert.That(
            Directory.GetFileSystemEntries(folder, "*", SearchOption.AllDirectories),
            Is.EquivalentTo(new[] { file, taken }));
    }

    [Test]
    public void A_picture_too_large_for_Jpeg_is_refused_before_a_file_is_made()
    {
        var path = Path.Combine(folder, "wide.jpg");
        Assert.That(
            () => PictureWriter.Write(new RgbImage(65536, 1), path),
            Throws.TypeOf<PictureException>().With.Message.Contains("PNG"));
        Assert.That(File.Exists(path), Is.False);
    }

    [Test]
    public void A_failing_stream_throws_a_PictureException()
    {
        using var stream = new FailingStream();
        Assert.That(
            () => PictureWriter.Write(new RgbImage(2, 2), stream, PictureFormat.Png),
            Throws.TypeOf<PictureException>());
    }

    private sealed class FailingStream : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("The disk is full.");

        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("The disk is full.");

        public override void WriteByte(byte value) => throw new IOException("The disk is full.");
    }
}
