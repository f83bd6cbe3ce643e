using System.IO.Compression;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Every kind of zip archive that may hold a checkpoint, and archives that claim more than they hold.</summary>
public class ZipArchiveTests
{
    private static readonly byte[] Pickle = Checkpoints.Pickle(w => w.Tensor("0", 4, 1, [2], [2]));
    private static readonly byte[] Elements = Checkpoints.Floats(1, 2, 3, 4);

    [Test]
    public void Entries_are_read_stored_or_deflated_in_32_or_64_bits_with_or_without_descriptor(
        [Values] bool deflate, [Values] bool zip64, [Values] bool descriptor)
    {
        var file = ZipWriter.Write(
            File("any name/data.pkl", Pickle), File("any name/data/0", Elements), new("any name/version", "3\n"u8.ToArray()));
        using var weights = Checkpoints.Open(file);
        Assert.That(weights.Read("t", 2), Is.EqualTo(new[] { 2f, 4 }));

        ZipFile File(string name, byte[] data) => new(name, data) { Deflate = deflate, Zip64 = zip64, Descriptor = descriptor };
    }

    [TestCase("FloatStorage", new byte[] { 0x3F, 0x80, 0, 0, 0xC0, 0x20, 0, 0 }, new[] { 1f, -2.5f })]
    [TestCase("DoubleStorage", new byte[] { 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0xC0, 4, 0, 0, 0, 0, 0, 0 }, new[] { 1f, -2.5f })]
    [TestCase("HalfStorage", new byte[] { 0x3C, 0, 0xC1, 0 }, new[] { 1f, -2.5f })]
    [TestCase("BFloat16Storage", new byte[] { 0x3F, 0x80, 0xC0, 0x20 }, new[] { 1f, -2.5f })]
    [TestCase("IntStorage", new byte[] { 0, 0, 1, 2, 0xFF, 0xFF, 0xFF, 0xFE }, new[] { 258f, -2 })]
    [TestCase("ByteStorage", new byte[] { 1, 2 }, new[] { 1f, 2 })]
    public void Big_endian_elements_are_converted(string type, byte[] elements, float[] expected)
    {
        foreach (var deflate in (bool[])[false, true])
        {
            var file = ZipWriter.Write(
                new("a/data.pkl", Checkpoints.Pickle(w => w.Tensor("0", 2, 0, [2], [1], type))),
                new("a/byteorder", "big"u8.ToArray()),
                new("a/data/0", elements) { Deflate = deflate });
            using var weights = Checkpoints.Open(file);
            Assert.That(weights.Read("t", 2), Is.EqualTo(expected));
        }
    }

    [TestCase("little", null)]
    [TestCase("middle", "its byteorder is 'middle', neither 'little' nor 'big'")]
    [TestCase("a text that is far too long", "its byteorder is '…'")]
    public void An_unknown_byte_order_is_refused(string order, string? refusal)
    {
        var file = ZipWriter.Write(
            new("a/data.pkl", Pickle), new("a/byteorder", System.Text.Encoding.ASCII.GetBytes(order)), new("a/data/0", Elements));
        if (refusal is null)
        {
            using (var weights = Checkpoints.Open(file))
                Assert.That(weights.Read("t", 2), Is.EqualTo(new[] { 2f, 4 }));
        }
        else
        {
            Assert.That(Checkpoints.Refusal(file), Does.Contain(refusal));
        }
    }

    [Test]
    public void A_comment_at_the_end_and_folder_entries_are_skipped()
    {
        var file = ZipWriter.Write(new("a/", []), new("a/data.pkl", Pickle), new("a/data/", []), new("a/data/0", Elements));
        file[^2] = 9;
        file = [.. file, .. "a comment"u8];
        using var weights = Checkpoints.Open(file);
        Assert.That(weights.Read("t", 2), Is.EqualTo(new[] { 2f, 4 }));
    }

    [Test]
    public void An_empty_storage_needs_no_entry()
    {
        using var weights = Checkpoints.Open(Checkpoints.Zip(Checkpoints.Pickle(w => w.Tensor("0", 0, 0, [0, 3], [3, 1]))));
        Assert.That(weights.Read("t", 0, 3), Is.Empty);
    }

    [TestCase("../data/0")]
    [TestCase("a/../../data/0")]
    [TestCase("/etc/data/0")]
    [TestCase("a\\..\\0")]
    [TestCase("\\server\\0")]
    [TestCase("C:/0")]
    [TestCase("")]
    public void Paths_that_lead_out_of_the_archive_are_refused(string name) => Assert.That(
        Checkpoints.Refusal(ZipWriter.Write(new("a/data.pkl", Pickle), new("a/data/0", Elements), new(name, []))),
        Does.Contain("has a path that leads out of the archive"));

    [Test]
    public void Duplicate_encrypted_and_unsupported_entries_are_refused()
    {
        ZipFile pickle = new("a/data.pkl", Pickle), elements = new("a/data/0", Elements);
        Assert.That(Checkpoints.Refusal(ZipWriter.Write(pickle, elements, elements)), Does.Contain("has the entry 'a/data/0' twice"));
        Assert.That(Checkpoints.Refusal(ZipWriter.Write(pickle, elements with { Flags = 1 })), Does.Contain("is encrypted"));
        Assert.That(Checkpoints.Refusal(ZipWriter.Write(pickle, elements with { Method = 93 })), Does.Contain("by method 93"));
        Assert.That(Checkpoints.Refusal(ZipWriter.Write(pickle)), Does.Contain("needs the entry 'a/data/0', which the archive lacks"));
    }

    [Test]
    public void A_zip_bomb_of_a_gigabyte_is_not_inflated()
    {
        var zeros = Zeros(1 << 30);
        Assert.That(zeros, Has.Length.LessThan(16 << 20));
        foreach ((var file, var says) in new[]
        {
            // The tensors need 16 bytes of it.
            (Bomb("a/data/0", Pickle, zeros, 1 << 30), "'t' needs a storage of 16 bytes, but the one with the key '0' has 1073741824"),
            (Bomb("a/data/0", Pickle, zeros, 16), "claims 16 bytes, too few for"),
            (Bomb("a/data.pkl", [], zeros, 1 << 30), "its data.pkl claims 1073741824 bytes"),
            (Bomb("a/data.pkl", [], zeros, 100), "claims 100 bytes, too few for"),
            (Bomb("a/data.pkl", [], zeros, zeros.Length), "inflates to more than the"),
        })
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.That(Checkpoints.Refusal(file), Does.Contain(says));
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(3L * zeros.Length));
        }
    }

    [Test]
    public void An_entry_that_inflates_to_more_than_it_claims_is_refused()
    {
        var file = ZipWriter.Write(new("a/data.pkl", Pickle), new("a/data/0", ZipWriter.Deflated(new byte[17])) { Inflated = 16 });
        using var weights = Checkpoints.Open(file);
        Assert.That(
            () => weights["t"].ToArray(),
            Throws.TypeOf<WeightsException>().With.Message.Contains("inflates to more than the 16 bytes that it claims"));
    }

    [Test]
    public void Sizes_that_deflate_cannot_reach_are_refused()
    {
        var file = ZipWriter.Write(
            new("a/data.pkl", Checkpoints.Pickle(w => w.Tensor("0", 1 << 29, 0, [1 << 29], [1]))),
            new("a/data/0", new byte[100]) { Deflate = true, ClaimedSize = 1L << 31 });
        Assert.That(Checkpoints.Refusal(file), Does.Contain("claims 2147483648 bytes, more than"));
        file = ZipWriter.Write(new("a/data.pkl", Pickle), new("a/data/0", Elements[..8]) { Deflate = true, ClaimedSize = 16 });
        using var weights = Checkpoints.Open(file);
        Assert.That(
            () => weights["t"].ToArray(),
            Throws.TypeOf<WeightsException>().With.Message.Contains("'a/data/0' inflates to less than the 16 bytes"));
    }

    [Test]
    public void Many_views_of_one_deflated_storage_are_refused()
    {
        var pickle = new PickleWriter().Dictionary(w =>
        {
            for (var i = 0; i < 200; i++)
                w.Text($"t{i}").Tensor("0", 1 << 18, (1 << 18) - 1, [], []);
        }).End();
        var elements = new byte[1 << 20];
        Assert.That(
            Checkpoints.Refusal(ZipWriter.Write(new("a/data.pkl", pickle), new("a/data/0", elements) { Deflate = true })),
            Does.Contain("as they share storages or are compressed"));
        using var stored = Checkpoints.Open(ZipWriter.Write(new("a/data.pkl", pickle), new("a/data/0", elements)));
        Checkpoints.ReadAll(stored);
    }

    private static byte[] Bomb(string name, byte[] pickle, byte[] deflated, long claimed) => ZipWriter.Write(
        [.. pickle.Length > 0 ? [new ZipFile("a/data.pkl", pickle)] : Array.Empty<ZipFile>(), new(name, deflated) { Inflated = claimed }]);

    private static byte[] Zeros(int count)
    {
        var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (var part = new byte[1 << 20]; count > 0; count -= part.Length)
                deflate.Write(part);
        }

        return stream.ToArray();
    }
}
