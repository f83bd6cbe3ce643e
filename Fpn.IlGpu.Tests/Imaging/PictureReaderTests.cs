using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Imaging;

[TestFixture]
public sealed class PictureReaderTests
{
    private static IEnumerable<string> Pngs => PictureFixtures.Names(".png");

    private static IEnumerable<string> Jpegs => PictureFixtures.Names(".jpg");

    [TestCaseSource(nameof(Pngs))]
    public void Png_pixels_are_exact(string name)
        => Assert.That(
            TimedReader.ReadFile(PictureFixtures.PathOf(name)).Pixels, Is.EqualTo(PictureFixtures.Expected(name).Pixels));

    // ImageSharp rounds in other places than libjpeg, and repeats chroma where libjpeg interpolates.
    [TestCaseSource(nameof(Jpegs))]
    public void Jpeg_pixels_are_close_to_those_of_libjpeg(string name)
    {
        (var mean, var max) = PictureFixtures.Difference(
            TimedReader.ReadFile(PictureFixtures.PathOf(name)), PictureFixtures.Expected(name));
        TestContext.Out.WriteLine($"mean {mean:0.000}, max {max}");
        Assert.That(mean, Is.LessThan(1));
        Assert.That(max, Is.LessThanOrEqualTo(12));
    }

    [Test]
    public void Streams_may_be_unseekable_and_return_few_bytes_at_a_time()
    {
        using var stream = new TricklingStream(PictureFixtures.Bytes("rgb8.png"));
        Assert.That(PictureReader.Read(stream).Pixels, Is.EqualTo(PictureFixtures.Expected("rgb8.png").Pixels));
    }

    [Test]
    public void Streams_are_read_from_their_position_and_left_open()
    {
        using var stream = new MemoryStream([1, 2, 3, .. PictureFixtures.Bytes("rgb8.png")]) { Position = 3 };
        Assert.That(PictureReader.Read(stream).Pixels, Is.EqualTo(PictureFixtures.Expected("rgb8.png").Pixels));
        Assert.That(stream.CanRead, Is.True);
    }

    [Test]
    public void Several_threads_may_read_pictures_at_the_same_time()
    {
        var expected = PictureFixtures.Expected("rgba8.png").Pixels;
        var file = PictureFixtures.Bytes("rgba8.png");
        Parallel.For(0, 64, _ => Assert.That(PictureReader.Read(new MemoryStream(file)).Pixels, Is.EqualTo(expected)));
    }

    /// <summary>Returns a few bytes at a time, and has neither length nor position.</summary>
    private sealed class TricklingStream(byte[] data) : Stream
    {
        private int at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            count = Math.Min(Math.Min(count, 1 + (at % 7)), data.Length - at);
            data.AsSpan(at, count).CopyTo(buffer.AsSpan(offset));
            at += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
