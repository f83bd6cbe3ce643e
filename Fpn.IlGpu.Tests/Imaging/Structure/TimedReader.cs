using Fpn.IlGpu.Imaging;
using SixLabors.ImageSharp.Memory;

namespace Fpn.IlGpu.Tests.Imaging;

/// <summary>Reads pictures that could make a decoder hang or exhaust memory, and fails promptly if they do.</summary>
internal static class TimedReader
{
    // Far more than any of these pictures needs, because the machine may be busy.
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(20);

    /// <exception cref="PictureException">The reader refuses the picture.</exception>
    public static RgbImage Read(byte[] file, PictureLimits? limits = null)
        => InTime(() => PictureReader.Read(new MemoryStream(file), limits));

    /// <summary>Reads a picture by its path.</summary>
    /// <exception cref="PictureException">The reader refuses the picture.</exception>
    public static RgbImage ReadFile(string path, PictureLimits? limits = null)
        => InTime(() => PictureReader.Read(path, limits));

    /// <summary>Asserts that a picture is refused with a sentence that contains these words, and that this allocated little.</summary>
    public static void AssertRefused(byte[] file, string saying, PictureLimits? limits = null)
    {
        var allocated = AllocatedBy(() =>
        {
            var exception = Assert.Throws<PictureException>(() => Read(file, limits));
            Assert.That(exception!.Message, Does.StartWith("The stream ").And.Contain(saying).And.EndsWith("."));
        });
        Assert.That(allocated, Is.LessThan((16 << 20) + (4 * file.Length)), "bytes allocated");
    }

    /// <summary>
    /// The bytes that an action allocates in all, including the decoders' buffers, which otherwise are native memory.
    /// </summary>
    public static long AllocatedBy(Action action)
    {
        var configuration = PictureCodecs.Configuration;
        var allocator = configuration.MemoryAllocator;
        configuration.MemoryAllocator = new SimpleGcMemoryAllocator();
        try
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            action();
            return GC.GetTotalAllocatedBytes(precise: true) - before;
        }
        finally
        {
            configuration.MemoryAllocator = allocator;
        }
    }

    private static RgbImage InTime(Func<RgbImage> read)
    {
        // A dedicated background thread: if it hangs, no pool thread is lost, and it ends with the process.
        var reading = new TaskCompletionSource<RgbImage>();
        var thread = new Thread(() =>
        {
            try
            {
                reading.SetResult(read());
            }
            catch (Exception exception)
            {
                reading.SetException(exception);
            }
        })
        { IsBackground = true };
        thread.Start();
        if (!((IAsyncResult)reading.Task).AsyncWaitHandle.WaitOne(MostTime))
            Assert.Fail($"reading has not finished after {MostTime.TotalSeconds} s");
        return reading.Task.GetAwaiter().GetResult();
    }
}
