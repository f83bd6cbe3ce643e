using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Tensors that claim more than their storages or files hold are refused when the file is opened.</summary>
public class HostileTensorTests
{
    private static readonly byte[] Four = Checkpoints.Floats(1, 2, 3, 4);

    [Test]
    public void A_storage_that_is_too_short_is_refused([Values] bool legacy)
    {
        var file = File(legacy, w => w.Tensor("0", 5, 0, [5], [1], legacy: legacy));
        Assert.That(
            Checkpoints.Refusal(file),
            Does.Contain(legacy
                ? "the storage with the key '0' has 4 elements, but its tensors expect 5"
                : "'t' needs a storage of 20 bytes, but the one with the key '0' has 16"));
    }

    [TestCase(0, new long[] { 5 }, new long[] { 1 }, "reaches element 4 of its storage, which has only 4")]
    [TestCase(1, new long[] { 4 }, new long[] { 1 }, "reaches element 4")]
    [TestCase(0, new long[] { 2, 2 }, new long[] { 3, 1 }, "reaches element 4")]
    [TestCase(0, new long[] { 2 }, new[] { long.MaxValue }, "reaches element 9223372036854775807")]
    [TestCase(3, new long[] { 3, 3, 3 }, new[] { long.MaxValue, long.MaxValue, long.MaxValue }, "reaches element")]
    [TestCase(long.MaxValue, new long[] { 1 }, new long[] { 1 }, "reaches element 9223372036854775807")]
    [TestCase(-1, new long[] { 1 }, new long[] { 1 }, "begins before its storage")]
    [TestCase(0, new long[] { -1 }, new long[] { 1 }, "has an invalid shape")]
    [TestCase(3, new long[] { 4 }, new long[] { -1 }, "has invalid or negative strides")]
    [TestCase(0, new long[] { 2 }, new long[] { 1, 1 }, "has invalid or negative strides")]
    [TestCase(0, new[] { 1L << 31 }, new long[] { 0 }, "with an extent that is not supported")]
    [TestCase(0, new long[] { 1 << 20, 2 }, new long[] { 0, 0 }, "has 2097152 elements")]
    [TestCase(0, new long[] { 1 << 30, 1 << 30, 1 << 30, 1 << 30 }, new long[] { 0, 0, 0, 0 }, "which repeat the")]
    [TestCase(0, new long[] { 1 << 30, 1 << 30, 1 << 30, 0 }, new long[] { 0, 0, 0, 0 }, "too large to count")]
    public void A_view_that_leaves_its_storage_is_refused(long offset, long[] size, long[] stride, string says)
    {
        foreach (var legacy in (bool[])[false, true])
        {
            Assert.That(
                Checkpoints.Refusal(File(legacy, w => w.Tensor("0", 4, offset, size, stride, legacy: legacy))), Does.Contain(says));
        }
    }

    [Test]
    public void Too_many_axes_are_refused()
    {
        long[] many = [.. Enumerable.Repeat(1L, 33)];
        Assert.That(Checkpoints.Refusal(File(false, w => w.Tensor("0", 4, 0, many, many))), Does.Contain("has an invalid shape"));
    }

    [Test]
    public void A_tiny_file_that_claims_two_gigabytes_is_refused()
    {
        const long claim = 1L << 29;
        var legacy = Checkpoints.Legacy(Checkpoints.Pickle(w => w.Tensor("0", claim, 0, [claim], [1], legacy: true)), Four);
        var count = legacy.Length - 16 - 8;
        BitConverter.TryWriteBytes(legacy.AsSpan(count), claim);
        byte[][] files =
        [
            File(false, w => w.Tensor("0", claim, 0, [claim], [1])),
            legacy,
            ZipWriter.Write(
                new("a/data.pkl", Checkpoints.Pickle(w => w.Tensor("0", claim, 0, [claim], [1]))),
                new("a/data/0", Four) { ClaimedSize = 4 * claim }),
            Checkpoints.Pickle(w => w.Array("f4", "<", [claim], w => w.Op32(PickleOpcode.BinBytes, 1U << 31, Four))),
            Checkpoints.Pickle(w => w.Array("f4", "<", [claim], Four)),
            SafetensorsFile.Build("{\"t\":{\"dtype\":\"F32\",\"shape\":[536870912],\"data_offsets\":[0,2147483648]}}", 16),
        ];
        foreach (var file in files)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var message = Checkpoints.Refusal(file);
            TestContext.Out.WriteLine(message);
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
        }
    }

    [Test]
    public void One_tensor_may_repeat_its_elements_but_a_thousand_may_not()
    {
        var pickle = new PickleWriter().Dictionary(w =>
        {
            for (var i = 0; i < 1000; i++)
                w.Text($"t{i}").Tensor("0", 4, 0, [1 << 20], [0]);
        }).End();
        Assert.That(Checkpoints.Refusal(Checkpoints.Zip(pickle, Four)), Does.Contain("as they share storages"));
        using var weights = Checkpoints.Open(
            Checkpoints.Zip(Checkpoints.Pickle(w => w.Tensor("0", 4, 2, [1 << 20], [0])), Four));
        Assert.That(weights.Read("t", 1 << 20), Is.All.EqualTo(3f));
    }

    [Test]
    public void Legacy_files_whose_storages_do_not_match_their_tensors_are_refused()
    {
        var pickle = Checkpoints.Pickle(w => w.Tensor("0", 4, 0, [4], [1], legacy: true));
        Assert.That(
            Checkpoints.Refusal(Checkpoints.Legacy(pickle)), Does.Contain("needs the storage with the key '0', which the file lacks"));
        Assert.That(Checkpoints.Refusal(Checkpoints.Legacy(pickle, Four, Four)), Does.Contain("lists a storage that no tensor uses"));
        Assert.That(Checkpoints.Refusal(Checkpoints.Legacy(pickle, Four)[..^1]), Does.Contain("the file is cut short"));
        byte[] wrong = [.. Checkpoints.Legacy(pickle, Four)];
        var version = wrong.AsSpan().IndexOf(new byte[] { 0x8A, 2, 0xE9, 3 });
        wrong[version + 2]++;
        Assert.That(Checkpoints.Refusal(wrong), Does.Contain("of a version other than 1001"));
    }

    [Test]
    public void A_storage_in_a_plain_pickle_is_refused() => Assert.That(
        Checkpoints.Refusal(Checkpoints.Pickle(w => w.Tensor("0", 4, 0, [4], [1]))),
        Does.Contain("a reference to an outside object that is not a storage"));

    private static byte[] File(bool legacy, Action<PickleWriter> tensor)
        => legacy ? Checkpoints.Legacy(Checkpoints.Pickle(tensor), Four) : Checkpoints.Zip(Checkpoints.Pickle(tensor), Four);
}
