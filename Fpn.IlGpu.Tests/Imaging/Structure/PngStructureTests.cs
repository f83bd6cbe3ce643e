namespace Fpn.IlGpu.Tests.Imaging;

[TestFixture]
[NonParallelizable]
public sealed class PngStructureTests
{
    private static readonly byte[] EightRows = new byte[8 * 9];

    // Some Adam7 passes are empty if a picture is less than 5 px wide or high.
    [Test]
    public void Small_interlaced_pictures_are_read()
    {
        var random = new Random(1);
        (int Depth, int Colour, int Samples)[] kinds =
            [(1, 0, 1), (2, 0, 1), (4, 0, 1), (8, 0, 1), (16, 0, 1), (1, 3, 1), (2, 3, 1), (4, 3, 1), (8, 3, 1), (8, 2, 3), (16, 4, 2), (16, 6, 4)];
        var palette = new byte[3 * 256];
        random.NextBytes(palette);
        foreach ((var depth, var colour, var samples) in kinds)
        {
            for (var size = 0; size < 36; size++)
            {
                (var width, var height) = ((size % 6) + 1, (size / 6) + 1);
                var pitch = 1 + (((width * samples * depth) + 7) / 8);
                var rows = new byte[height * pitch];
                random.NextBytes(rows);
                for (var y = 0; y < height; y++)
                    rows[y * pitch] = 0;
                var chunks = colour == 3 ? new[] { PngFile.Chunk("PLTE", palette[..(3 << depth)]) } : [];
                var passes = PngFile.Interlace(width, height, samples * depth, rows);
                var plain = TimedReader.Read(PngFile.Of(width, height, depth, colour, interlaced: false, rows, chunks));
                var interlaced = TimedReader.Read(PngFile.Of(width, height, depth, colour, interlaced: true, passes, chunks));
                Assert.That(
                    interlaced.Pixels, Is.EqualTo(plain.Pixels), $"{width} x {height} px, {depth} bits, colour {colour}");
            }
        }
    }

    [TestCase(4, 4)]
    [TestCase(8, 8)]
    [TestCase(100, 100)]
    public void An_interlaced_picture_with_too_few_rows_is_refused(int width, int height)
        => TimedReader.AssertRefused(PngFile.Grey(width, height, interlaced: true, new byte[width + 1]), "fewer rows");

    [Test]
    public void A_picture_of_eight_rows_with_data_for_one_is_refused()
        => TimedReader.AssertRefused(PngFile.Grey(8, 8, interlaced: false, EightRows[..9]), "fewer rows");

    [Test]
    public void Data_beyond_the_last_row_is_not_unpacked()
    {
        var file = PngFile.Grey(8, 8, interlaced: false, new byte[100_000_000]);
        var allocated = TimedReader.AllocatedBy(() => Assert.That(TimedReader.Read(file).Width, Is.EqualTo(8)));
        Assert.That(allocated, Is.LessThan(16 << 20), "bytes allocated");
    }

    [TestCase("zTXt", "Comment\0\0")]
    [TestCase("iTXt", "Comment\0\u0001\0\0\0")]
    [TestCase("iCCP", "Profile\0\0")]
    public void Text_and_profiles_are_not_unpacked(string type, string start)
    {
        byte[] data = [.. start.Select(character => (byte)character), .. PngFile.Pack(new byte[200_000_000])];
        var file = PngFile.Grey(8, 8, interlaced: false, EightRows, PngFile.Chunk(type, data));
        Assert.That(file, Has.Length.InRange(190_000, 220_000));
        var allocated = TimedReader.AllocatedBy(() => Assert.That(TimedReader.Read(file).Width, Is.EqualTo(8)));
        Assert.That(allocated, Is.LessThan(16 << 20), "bytes allocated");
    }

    [Test]
    public void A_file_far_too_small_for_its_claimed_size_is_refused_before_unpacking()
        => TimedReader.AssertRefused(PngFile.Grey(10_000, 10_000, interlaced: false, new byte[90_000_000]), "far too small");

    [Test]
    public void Damaged_pixel_data_is_found_by_its_checksum()
    {
        var good = PictureFixtures.Bytes("rgba8.png");
        var data = good.AsSpan().IndexOf("IDAT"u8) + 4;
        for (var at = data; at < good.Length - 12; at += 11)
        {
            var file = (byte[])good.Clone();
            file[at] ^= 0x10;
            TimedReader.AssertRefused(file, "damaged chunk IDAT");
        }
    }

    [Test]
    public void A_missing_or_invalid_palette_is_refused()
    {
        var file = PictureFixtures.Bytes("palette8.png");
        var palette = file.AsSpan().IndexOf("PLTE"u8);
        file[palette] = (byte)'p';
        PngChecksums.Repair(file);
        TimedReader.AssertRefused(file, "without the palette");
        TimedReader.AssertRefused(
            PngFile.Grey(8, 8, interlaced: false, EightRows, PngFile.Chunk("PLTE", new byte[10])), "palette of 10 bytes");
    }

    // An index beyond the palette gives its last colour, as in ImageSharp.
    [Test]
    public void A_palette_too_short_for_its_indices_does_no_harm()
    {
        var file = PictureFixtures.Bytes("palette8.png");
        var palette = file.AsSpan().IndexOf("PLTE"u8);
        byte[] shorter = [.. file[..(palette - 4)], .. PngFile.Chunk("PLTE", file[(palette + 4)..(palette + 7)]), .. file[(palette + 4 + 768 + 4)..]];
        PngChecksums.Repair(shorter);
        Assert.That(TimedReader.Read(shorter).Pixels[..3], Is.EqualTo(file[(palette + 4)..(palette + 7)]));
    }

    [Test]
    public void A_header_with_a_wrong_checksum_is_refused()
    {
        var file = PngFile.Grey(8, 8, interlaced: false, EightRows);
        file[19]--;
        TimedReader.AssertRefused(file, "damaged chunk IHDR");
    }
}
