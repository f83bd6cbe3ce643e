using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Imaging;

/// <summary>
/// Thousands of damaged files: each gives a picture or an error in a sentence, in bounded time and memory. They differ from
/// good files in a few bytes, or in pieces removed or inserted. PNG checksums are mostly corrected, because otherwise only the
/// checksums would be tested.
/// </summary>
[TestFixture]
[NonParallelizable]
public sealed class MutationTests
{
    private const int Files = 2000;
    private const long MostBytes = 200 << 20;

    // CPU time of this process, because others may keep the machine busy.
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(2);

    private static readonly PictureLimits Limits = new() { MaxPixels = 1 << 20 };

    private volatile int file;
    private int read;
    private int refused;
    private long largest;

    [TestCase("ycc420.jpg", "ycc444-progressive.jpg", "restarts.jpg", "restarts-progressive.jpg", "cmyk.jpg", "orientation-6.jpg")]
    [TestCase("rgb8.png", "palette2-interlaced.png", "grey-alpha16.png", "rgb8-transparent.png", "orientation-6.png", "narrow-interlaced.png")]
    [TestCase("picture.bmp", "palette.bmp", "black-white.bmp", "rgba.bmp")]
    [TestCase("picture.webp", "lossy.webp", "animated.webp", "orientation-6-prefixed.webp")]
    public void Damaged_files_give_a_picture_or_a_sentence(params string[] names)
    {
        var files = Array.ConvertAll(names, PictureFixtures.Bytes);
        (read, refused, largest) = (0, 0, 0);
        var all = Task.Factory.StartNew(
            () => TimedReader.AllocatedBy(() => ReadDamaged(files)),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        for ((int File, TimeSpan Begun) watched = (-1, default); !all.Wait(TimeSpan.FromMilliseconds(50));)
        {
            var now = Environment.CpuUsage.TotalTime;
            if (file != watched.File)
                watched = (file, now);
            Assert.That(now - watched.Begun, Is.LessThan(MostTime), $"time for file {file}");
        }
        TestContext.Out.WriteLine($"{read} read, {refused} refused, at most {largest / 1e6:0.0} MB allocated for one");
        Assert.That(read, Is.GreaterThan(50));
        Assert.That(refused, Is.GreaterThan(200));
    }

    private void ReadDamaged(byte[][] files)
    {
        var random = new Random(20170411);
        for (file = 0; file < Files; file++)
        {
            var good = files[file % files.Length];
            // Otherwise most of the damage would be found while the rows are unpacked.
            var isInRows = good[1] == 'P' && random.Next(2) == 0;
            var damaged = isInRows ? PngFile.WithRows(good, rows => Damage(rows, random)) : Damage(good, random);
            var before = GC.GetTotalAllocatedBytes();
            try
            {
                var picture = PictureReader.Read(new MemoryStream(damaged), Limits);
                Assert.That((long)picture.Width * picture.Height, Is.LessThanOrEqualTo(Limits.MaxPixels));
                read++;
            }
            catch (PictureException e)
            {
                Assert.That(e.Message, Does.StartWith("The stream ").And.EndsWith(".").And.Not.Contain("\n").And.Not.Contain("Exception"));
                refused++;
            }
            var allocated = GC.GetTotalAllocatedBytes() - before;
            largest = Math.Max(largest, allocated);
            Assert.That(allocated, Is.LessThan(MostBytes), $"bytes allocated for file {file}");
        }
    }

    private static byte[] Damage(byte[] good, Random random)
    {
        var file = new List<byte>(good);
        for (var n = random.Next(1, 6); n > 0; n--)
        {
            var at = random.Next(file.Count);
            var length = Math.Min(random.Next(1, 40), file.Count - at);
            switch (random.Next(8))
            {
                case 0 when file.Count > 100:
                    file.RemoveRange(at, length);
                    break;
                case 1:
                    file.InsertRange(at, file.GetRange(at, length));
                    break;
                case 2:
                    // Mostly in headers, and with the values most likely to do harm.
                    file[random.Next(Math.Min(file.Count, 64))] = (byte)(random.Next(2) * 255);
                    break;
                default:
                    file[at] = (byte)random.Next(256);
                    break;
            }
        }
        byte[] damaged = [.. file];
        if (random.Next(4) > 0)
            PngChecksums.Repair(damaged);
        return damaged;
    }
}
