using System.Buffers.Binary;

namespace Fpn.IlGpu.Tests.Imaging;

[TestFixture]
[NonParallelizable]
public sealed class BmpStructureTests
{
    private const int PixelOffset = 10;
    private const int HeaderBytes = 14;
    private const int Width = 18;
    private const int Height = 22;
    private const int Bits = 28;
    private const int Compression = 30;

    [TestCase("picture.bmp")]
    [TestCase("palette.bmp")]
    [TestCase("black-white.bmp")]
    [TestCase("rgba.bmp")]
    public void Pixels_are_exact(string name)
        => Assert.That(TimedReader.Read(PictureFixtures.Bytes(name)).Pixels, Is.EqualTo(PictureFixtures.Expected(name).Pixels));

    // ImageSharp would take everything before the pixels for the palette.
    [TestCase("palette.bmp", 1_000_000u)]
    [TestCase("palette.bmp", 2_000_000_000u)]
    [TestCase("picture.bmp", uint.MaxValue)]
    public void A_pixel_offset_beyond_the_file_is_refused(string name, uint offset)
        => TimedReader.AssertRefused(With(name, PixelOffset, offset), "beyond its end");

    [TestCase(PixelOffset, 20u, "within its header")]
    [TestCase(HeaderBytes, 13u, "header of 13 bytes")]
    [TestCase(HeaderBytes, 2_000_000_000u, "cut short")]
    [TestCase(Width, 0u, "0 x 31")]
    [TestCase(Width, 0x80000000u, "-2147483648")]
    [TestCase(Height, 0x80000000u, "limit")]
    [TestCase(Height, 40u, "cut short")]
    [TestCase(Bits, 7u, "7 bits")]
    [TestCase(Compression, 5u, "compression")]
    public void Headers_that_contradict_the_file_are_refused(int field, uint value, string saying)
        => TimedReader.AssertRefused(With("picture.bmp", field, value), saying);

    [Test]
    public void Far_too_few_runs_for_the_claimed_size_are_refused()
    {
        var file = With("palette.bmp", Compression, 1);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(Width), 9000);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(Height), 9000);
        TimedReader.AssertRefused(file, "far too small");
    }

    private static byte[] With(string name, int field, uint value)
    {
        var file = PictureFixtures.Bytes(name);
        if (field == Bits)
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(field), (ushort)value);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(field), value);
        return file;
    }
}
