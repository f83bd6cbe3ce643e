using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Imaging;

[TestFixture]
[NonParallelizable]
public sealed class JpegStructureTests
{
    private const int Sampling = 11;

    // Motion JPEG frames carry no tables. These pictures were coded with the typical ones.
    [TestCase("ycc420.jpg")]
    [TestCase("restarts.jpg")]
    [TestCase("grey.jpg")]
    public void Frames_without_Huffman_tables_are_read_with_the_typical_ones(string name)
    {
        var file = PictureFixtures.Bytes(name);
        var bare = JpegFile.Without(file, JpegFile.HuffmanTables);
        Assert.That(bare, Has.Length.LessThan(file.Length));
        Assert.That(TimedReader.Read(bare).Pixels, Is.EqualTo(TimedReader.Read(file).Pixels));
    }

    [Test]
    public void A_missing_table_that_has_no_typical_form_is_refused()
        => TimedReader.AssertRefused(
            JpegFile.With(PictureFixtures.Bytes("grey.jpg"), JpegFile.ScanHeader, scan => [.. scan[..6], 0x22, .. scan[7..]]),
            "without the Huffman table");

    // As libjpeg does.
    [TestCase(JpegFile.FrameHeader)]
    [TestCase(JpegFile.HuffmanTables)]
    [TestCase(JpegFile.ScanHeader)]
    public void Junk_before_a_segment_is_skipped(byte marker)
    {
        var file = PictureFixtures.Bytes("ycc420.jpg");
        var withJunk = JpegFile.With(file, marker, segment => [1, 2, 0xFF, 0, 3, 0xFF, .. segment]);
        Assert.That(TimedReader.Read(withJunk).Pixels, Is.EqualTo(TimedReader.Read(file).Pixels));
    }

    // The factors of a single component mean nothing: its blocks come row by row.
    [TestCase(0x21)]
    [TestCase(0x12)]
    [TestCase(0x22)]
    [TestCase(0x41)]
    public void Sampling_factors_of_a_grey_picture_are_ignored(byte factors)
    {
        var file = PictureFixtures.Bytes("grey.jpg");
        var other = JpegFile.With(file, JpegFile.FrameHeader, frame => [.. frame[..Sampling], factors, .. frame[(Sampling + 1)..]]);
        Assert.That(TimedReader.Read(other).Pixels, Is.EqualTo(TimedReader.Read(file).Pixels));
    }

    [TestCase("ycc420.jpg", 0)]
    [TestCase("ycc444-progressive.jpg", 0)]
    [TestCase("restarts.jpg", 3)]
    public void A_scan_without_its_end_is_refused(string name, int left)
    {
        var file = JpegFile.With(
            PictureFixtures.Bytes(name), JpegFile.ScanHeader, scan => scan[..(4 + scan[3] - 2 + left)]);
        Assert.That(() => TimedReader.Read(file), Throws.TypeOf<PictureException>());
    }

    [Test]
    public void Missing_or_misordered_restart_markers_are_refused()
    {
        var file = PictureFixtures.Bytes("restarts.jpg");
        var marker = file.AsSpan().IndexOf([(byte)0xFF, (byte)0xD1]);
        TimedReader.AssertRefused([.. file[..marker], .. file[(marker + 2)..]], "restart markers");
        file[marker + 1] = 0xD3;
        TimedReader.AssertRefused(file, "restart markers");
        TimedReader.AssertRefused(JpegFile.Without(PictureFixtures.Bytes("restarts.jpg"), JpegFile.RestartInterval), "restart markers");
    }

    [Test]
    public void A_component_without_pixels_is_refused()
    {
        var segments = JpegFile.Segments(PictureFixtures.Bytes("ycc444-progressive.jpg"));
        TimedReader.AssertRefused(JpegFile.Of(segments.Where(segment => segment[1] != JpegFile.ScanHeader)), "lacks some");
    }

    // 98 KB is one bit for every 128 px.
    [TestCase("grey.jpg")]
    [TestCase("grey-progressive.jpg")]
    public void A_file_far_too_small_for_its_claimed_size_is_refused(string name)
    {
        List<byte[]> segments = [];
        foreach (var segment in JpegFile.Segments(PictureFixtures.Bytes(name)))
        {
            segments.Add(segment[1] switch
            {
                JpegFile.FrameHeader or 0xC2 => [.. segment[..5], 0x27, 0x10, 0x27, 0x10, .. segment[9..]],
                JpegFile.ScanHeader => [.. segment, .. new byte[98_000 / 7]],
                _ => segment,
            });
        }
        TimedReader.AssertRefused(JpegFile.Of(segments), "far too small");
    }

    // The first scan has the DC coefficients.
    [TestCase(400, 200)]
    [TestCase(2000, 15)]
    public void Many_scans_are_read_if_they_are_little_work(int size, int scans)
        => Assert.That(TimedReader.Read(JpegFile.Progressive(size, scans)).Width, Is.EqualTo(size));

    [Test]
    public void Too_many_scans_of_a_large_picture_are_refused([Values(2400, 8000)] int size)
        => TimedReader.AssertRefused(JpegFile.Progressive(size, 200), "too many scans");

    [TestCase(0xC3, "lossless")]
    [TestCase(0xC9, "arithmetic")]
    public void Unsupported_kinds_of_JPEG_are_named(byte marker, string saying)
        => TimedReader.AssertRefused(
            JpegFile.With(PictureFixtures.Bytes("grey.jpg"), JpegFile.FrameHeader, frame => [0xFF, marker, .. frame[2..]]), saying);

    [Test]
    public void Profiles_and_thumbnails_are_skipped()
    {
        var file = PictureFixtures.Bytes("orientation-6.jpg");
        byte[] profile = [0xFF, 0xE2, 0xFF, 0xFF, .. "ICC_PROFILE\0"u8, 1, 1, .. new byte[65_535 - 16]];
        var segments = JpegFile.Segments(file);
        var large = JpegFile.Of([.. Enumerable.Repeat(profile, 200), .. segments]);
        var allocated = TimedReader.AllocatedBy(
            () => Assert.That(TimedReader.Read(large).Pixels, Is.EqualTo(PictureReader.Read(new MemoryStream(file)).Pixels)));
        Assert.That(allocated, Is.LessThan(3 * large.Length));
    }
}
