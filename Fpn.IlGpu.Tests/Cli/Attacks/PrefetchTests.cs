using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>What is prepared ahead is bounded by its number and by its memory.</summary>
internal sealed class PrefetchTests
{
    [TestCase(Prefetch.MostBytes / 4, 4)]
    [TestCase(Prefetch.MostBytes, 1)]
    [TestCase(10 * Prefetch.MostBytes, 1)]
    [TestCase(1, 9)]
    public void Items_ahead_are_bounded_by_their_bytes(long bytesEach, int most)
    {
        const int ahead = 8;
        var (alive, highest, taken) = (0, 0, 0);

        var items = Prefetch.InOrder(
            Enumerable.Range(0, 40),
            (item, allocates) =>
            {
                allocates(bytesEach);
                var now = Interlocked.Increment(ref alive);
                InterlockedMax(ref highest, now);
                return item;
            },
            ahead, CancellationToken.None);
        foreach (var item in items)
        {
            Assert.That(item, Is.EqualTo(taken++));
            Thread.Sleep(2);
            Interlocked.Decrement(ref alive);
        }

        Assert.That(taken, Is.EqualTo(40));
        Assert.That(highest, Is.LessThanOrEqualTo(most + 1), "the one that the consumer has just let go of may count once more");
    }

    [Test]
    public void An_item_that_needs_nothing_or_fails_does_not_stop_the_others()
    {
        var items = Prefetch.InOrder(
            Enumerable.Range(0, 30),
            (item, allocates) =>
            {
                if (item % 3 == 0)
                    allocates(Prefetch.MostBytes);
                if (item % 3 == 1)
                    allocates(Prefetch.MostBytes / 2);
                return item;
            },
            4, CancellationToken.None);
        Assert.That(items, Is.EqualTo(Enumerable.Range(0, 30)));
    }

    [TestCase("png-rgb")]
    [TestCase("jpeg")]
    [TestCase("bmp-webp")]
    public void A_picture_announces_its_pixels_before_it_is_decoded(string fixtures)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Imaging", "fixtures", fixtures);
        Assume.That(Directory.Exists(folder), $"the fixtures are in {folder}");
        foreach (var path in Directory.EnumerateFiles(folder).Where(InputPictures.IsPicture))
        {
            var announced = 0L;
            var picture = PictureReader.Read(path, new PictureLimits { BeforeDecoding = pixels => announced = pixels });
            Assert.That(announced, Is.EqualTo((long)picture.Width * picture.Height), path);
        }
    }

    private static void InterlockedMax(ref int highest, int now)
    {
        for (var seen = highest; now > seen; seen = highest)
            Interlocked.CompareExchange(ref highest, now, seen);
    }
}
