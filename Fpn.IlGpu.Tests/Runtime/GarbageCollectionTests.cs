using System.Globalization;
using System.Runtime;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tests.Parity;
using Fpn.IlGpu.Tests.Training;

namespace Fpn.IlGpu.Tests.Runtime;

/// <summary>
/// Copies, detections and training steps while other threads make the garbage collector move everything that is not pinned.
/// Each test runs for two seconds, or for as many as the environment variable FPN_STRESS_SECONDS says.
/// </summary>
[NonParallelizable]
public sealed class GarbageCollectionTests(string deviceId) : ModelTests(deviceId)
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("FPN_STRESS_SECONDS") ?? "2", CultureInfo.InvariantCulture));

    [Test]
    public void Uploads_and_downloads_stay_correct()
    {
        const int Length = 20_000;
        using var array = Device.Rent<int>(Length);
        var copies = 0;
        WhileCollecting(() =>
        {
            // A new array each time, because collections move young arrays.
            var source = new int[Length];
            Array.Fill(source, ++copies);
            array.Upload(source);
            Assert.That(array.Download().AsSpan().IndexOfAnyExcept(copies), Is.EqualTo(-1), $"copy {copies}");
        });
        TestContext.Out.WriteLine($"{copies} copies each way");
    }

    [Test]
    public void Detections_stay_the_same()
    {
        using var detector = Detector.Load(Device);
        var picture = PictureReader.Read(new ReferenceCase("shapes").Picture("shapes-320x320.png"));
        var expected = detector.Detect(picture);
        Assert.That(expected, Is.Not.Empty);
        WhileCollecting(() => Assert.That(detector.Detect(picture.Pixels, picture.Width, picture.Height), Is.EqualTo(expected)));
    }

    [Test]
    public void Training_steps_stay_the_same()
    {
        using var reference = new DetectorCase("frozen");
        using var network = reference.Load(Device, frozenStages: 2, NormTraining.Frozen);
        var expected = reference.Run(Device, network, backward: true);
        WhileCollecting(() => Assert.That(reference.Run(Device, network, backward: true), Is.EqualTo(expected)));
    }

    private static void WhileCollecting(Action work)
    {
        using var done = new CancellationTokenSource();
        Thread[] others = [new(() => Collect(done.Token)), new(() => Allocate(done.Token))];
        foreach (var thread in others)
            thread.Start();
        try
        {
            var end = DateTime.UtcNow + Duration;
            do
                work();
            while (DateTime.UtcNow < end);
        }
        finally
        {
            done.Cancel();
            foreach (var thread in others)
                thread.Join();
        }
    }

    private static void Collect(CancellationToken done)
    {
        for (var i = 0; !done.IsCancellationRequested; i++)
        {
            GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
            GC.Collect(i % 4 == 0 ? 2 : 0, GCCollectionMode.Forced, blocking: true, compacting: true);
            // Without a pause the next collection begins before the other threads have run again.
            Thread.Sleep(1);
        }
    }

    // Arrays that live for a while leave the gaps that a collection closes.
    private static void Allocate(CancellationToken done)
    {
        var random = new Random(1);
        var kept = new int[64][];
        for (var i = 0; !done.IsCancellationRequested; i++)
        {
            kept[i % kept.Length] = new int[random.Next(100, 30_000)];
            if (i % 16 == 0)
                Thread.Sleep(0);
        }
    }
}
