namespace Fpn.IlGpu.Tests.Runtime;

public sealed class MemoryPoolTests(string deviceId) : DeviceTests(deviceId)
{
    [Test]
    public void Returned_memory_is_rented_again()
    {
        var before = Device.Memory.Allocations;
        for (var i = 0; i < 10; i++)
            Device.Rent<float>(54321).Dispose();
        Assert.That(Device.Memory.Allocations - before, Is.LessThanOrEqualTo(1));
    }

    [Test]
    public void Arrays_rented_at_the_same_time_do_not_overlap()
    {
        using var a = Device.Upload<int>([1, 2, 3]);
        using var b = Device.Upload<int>([4, 5, 6]);
        Assert.That(a.Download(), Is.EqualTo(new[] { 1, 2, 3 }));
        Assert.That(b.Download(), Is.EqualTo(new[] { 4, 5, 6 }));
    }

    [Test]
    public void Disposing_twice_returns_the_memory_once()
    {
        var first = Device.Rent<int>(777);
        first.Dispose();
        using var second = Device.Upload<int>(Enumerable.Repeat(1, 777).ToArray());
        first.Dispose();
        using var third = Device.Upload<int>(Enumerable.Repeat(2, 777).ToArray());
        Assert.That(second.Download(), Is.All.EqualTo(1));
    }

    [Test]
    public void Memory_that_a_picture_leaves_behind_is_reclaimed_when_it_ends()
    {
        using (Device.Memory.BeginPicture())
            Device.Rent<float>(98765);
        var before = Device.Memory.Allocations;
        using (Device.Memory.BeginPicture())
            Device.Rent<float>(98765);
        Assert.That(Device.Memory.Allocations, Is.EqualTo(before));
    }

    [Test]
    public void Buffers_of_sizes_no_longer_rented_are_freed()
    {
        var held = Device.Memory.HeldBytes;
        for (var i = 1; i <= 40; i++)
        {
            using var picture = Device.Memory.BeginPicture();
            Device.Rent<byte>(i << 20).Dispose();
        }
        Assert.That(Device.Memory.HeldBytes - held, Is.LessThan(300L << 20), "all forty would take 820 MiB");
    }

    [Test]
    public void Memory_of_a_large_batch_is_freed_while_small_pictures_need_none()
    {
        for (var i = 0; i < 40; i++)
            Picture(1 << 20); // What other tests left is freed.
        var held = Device.Memory.HeldBytes;
        Picture(200 << 20);
        Picture(1 << 20);
        Assert.That(Device.Memory.HeldBytes - held, Is.GreaterThanOrEqualTo(200L << 20), "it may come back");
        var allocations = Device.Memory.Allocations;
        for (var i = 0; i < 60; i++)
            Picture(1 << 20);
        Assert.That(Device.Memory.HeldBytes - held, Is.LessThan(10L << 20));
        Assert.That(Device.Memory.Allocations, Is.EqualTo(allocations), "the small pictures' memory stays");
    }

    [Test]
    public void Memory_that_is_used_every_tenth_time_is_kept()
    {
        Picture(3 << 20);
        var allocations = Device.Memory.Allocations;
        for (var i = 0; i < 100; i++)
            Picture(i % 10 == 9 ? 3 << 20 : 1 << 20);
        Assert.That(Device.Memory.Allocations - allocations, Is.LessThanOrEqualTo(1));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(255)]
    [TestCase(257)]
    [TestCase(100_001)]
    public void An_array_has_the_requested_length(int length)
    {
        using var array = Device.Rent<float>(length);
        Assert.That(array.Download(), Has.Length.EqualTo(length));
    }

    private void Picture(int bytes)
    {
        using var picture = Device.Memory.BeginPicture();
        Device.Rent<byte>(bytes).Dispose();
    }
}
