using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Tests.Runtime;

public sealed class TransfersTests(string deviceId) : DeviceTests(deviceId)
{
    [Test]
    public void Uploads_of_any_size_arrive_and_only_downloads_wait()
    {
        // The first round may have to enlarge the staging memory; the second finds it large enough.
        for (var round = 0; round < 2; round++)
        {
            Device.Synchronize();
            var before = Device.Synchronisations;
            DeviceArray<int>[] arrays = [.. new[] { 1, 300_000, 0, 17, 2_000_000 }.Select(Upload)];
            if (round == 1)
                Assert.That(Device.Synchronisations, Is.EqualTo(before));
            foreach (var array in arrays)
            {
                Assert.That(array.Download(), Is.EqualTo(Values((int)array.Length)));
                array.Dispose();
            }
            Assert.That(Device.Synchronisations - before, Is.GreaterThanOrEqualTo(4));
        }
    }

    [Test]
    public void An_upload_larger_than_the_staging_memory_arrives_in_parts()
    {
        using var small = Upload(5);
        using var large = Upload(18_000_000);
        using var last = Upload(6);
        Assert.That(large.Download().AsSpan().SequenceEqual(Values(18_000_000)));
        Assert.That(small.Download(), Is.EqualTo(Values(5)));
        Assert.That(last.Download(), Is.EqualTo(Values(6)));
    }

    private DeviceArray<int> Upload(int length)
    {
        // The caller may change the source as soon as the call returns.
        var source = Values(length);
        var array = Device.Upload<int>(source);
        Array.Fill(source, -1);
        return array;
    }

    private static int[] Values(int length) => [.. Enumerable.Range(length, length)];
}
