using System.Runtime.CompilerServices;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tests.Parity;

namespace Fpn.IlGpu.Tests.Detection;

internal sealed class AsyncDetectionTests
{
    private Detector detector = null!;

    private static string SamplePath => new ReferenceCase("shapes").Picture("shapes-320x320.png");

    [OneTimeSetUp]
    public void Load() => detector = Detector.Load(TestDevices.Open("cpu"));

    [OneTimeTearDown]
    public void Unload() => detector.Dispose();

    [Test]
    public async Task A_path_a_body_and_pictures_give_the_detections_of_a_synchronous_call()
    {
        var picture = PictureReader.Read(SamplePath);
        var expected = detector.Detect(picture);
        using var body = new ForwardOnlyStream(await File.ReadAllBytesAsync(SamplePath), refusesSynchronousReads: true);
        Assert.That(expected, Is.Not.Empty);
        Assert.That(await detector.DetectAsync(body), Is.EqualTo(expected));
        Assert.That(await detector.DetectAsync(SamplePath), Is.EqualTo(expected));
        Assert.That(await detector.DetectAsync(picture), Is.EqualTo(expected));
        Assert.That(await detector.DetectAsync([picture, picture]), Is.EqualTo(detector.Detect([picture, picture])));
        Assert.That(await detector.DetectAsync(Array.Empty<RgbImage>()), Is.Empty);
    }

    [Test]
    public void A_body_that_is_no_picture_is_refused()
    {
        using var text = new ForwardOnlyStream("hello, world"u8.ToArray(), refusesSynchronousReads: true);
        Assert.That(() => detector.DetectAsync(text), Throws.TypeOf<PictureException>().With.Message.Contains("is no picture"));
        using var cut = new ForwardOnlyStream(File.ReadAllBytes(SamplePath)[..2000], refusesSynchronousReads: true);
        Assert.That(() => detector.DetectAsync(cut), Throws.TypeOf<PictureException>());
        Assert.That(
            () => PictureReader.ReadAsync(new ForwardOnlyStream(File.ReadAllBytes(SamplePath)), new PictureLimits { MaxBytes = 3000 }),
            Throws.TypeOf<PictureException>().With.Message.Contains("more than 3000 bytes"));
    }

    [Test]
    public async Task Calls_take_turns_and_a_waiting_one_can_be_cancelled()
    {
        var device = detector.Device;
        using var stop = new CancellationTokenSource();
        var picture = new RgbImage(32, 32);
        await device.Turns.WaitAsync();
        var waiting = detector.DetectAsync(picture, CancellationToken.None);
        var cancelled = detector.DetectAsync(picture, stop.Token);
        await stop.CancelAsync();
        Assert.That(() => cancelled, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(waiting.IsCompleted, Is.False);
        device.Turns.Release();
        Assert.That(await waiting, Is.EqualTo(detector.Detect(picture)));
    }

    [TestCase(1, 0)]
    [TestCase(2, 3)]
    public async Task Files_come_in_order_and_a_broken_one_has_its_error(int batch, int ahead)
    {
        var expected = detector.Detect(SamplePath);
        string[] paths = [SamplePath, "missing.png", SamplePath];
        var results = new List<DetectedPicture>();
        await foreach (var result in detector.DetectEachAsync(paths, batch, ahead))
            results.Add(result);
        Assert.That(results.Select(result => result.Path), Is.EqualTo(paths));
        Assert.That(results[1].Error, Is.TypeOf<PictureException>());
        Assert.That(results[1].Picture, Is.Null);
        Assert.That(results[0].Objects.Select(o => o.Label), Is.EqualTo(expected.Select(o => o.Label)));
        Assert.That(results[2].Objects.Select(o => o.Label), Is.EqualTo(expected.Select(o => o.Label)));
        Assert.That(results[2].Picture!.Width, Is.EqualTo(320));
    }

    [Test]
    public async Task An_endless_list_of_files_can_be_left_and_cancelled()
    {
        using var stop = new CancellationTokenSource();
        var seen = 0;
        await foreach (var _ in detector.DetectEachAsync(Endless(), cancellation: stop.Token))
        {
            if (++seen == 2)
                break;
        }
        Assert.That(seen, Is.EqualTo(2));
        Assert.That(
            async () =>
            {
                await foreach (var _ in detector.DetectEachAsync(Endless(), cancellation: stop.Token))
                    await stop.CancelAsync();
            },
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(() => detector.Detect(new RgbImage(8, 8)), Throws.Nothing);

        static IEnumerable<string> Endless()
        {
            while (true)
                yield return SamplePath;
        }
    }

    [Test]
    public async Task Pictures_of_a_camera_are_asked_for_ahead_and_come_in_order()
    {
        var expected = detector.Detect(SamplePath);
        var asked = 0;
        var sizes = new List<int>();
        await foreach (var (picture, objects) in detector.DetectEachAsync(Camera()))
        {
            sizes.Add(picture.Width);
            if (picture.Width == 320)
                Assert.That(objects, Is.EqualTo(expected));
            if (sizes.Count == 1)
                Assert.That(asked, Is.EqualTo(2), "one picture ahead");
            if (sizes.Count == 3)
                break;
        }
        Assert.That(sizes, Is.EqualTo(new[] { 320, 16, 16 }));

        async IAsyncEnumerable<RgbImage> Camera([EnumeratorCancellation] CancellationToken cancellation = default)
        {
            while (!cancellation.IsCancellationRequested)
            {
                asked++;
                yield return asked == 1 ? PictureReader.Read(SamplePath) : new RgbImage(16, 16);
                await Task.CompletedTask;
            }
        }
    }

    [Test]
    public void Wrong_arguments_are_named_at_once()
    {
        Assert.That(() => detector.DetectEachAsync([SamplePath], batch: 0), Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo("batch"));
        Assert.That(() => detector.DetectEachAsync((IEnumerable<string>)null!), Throws.ArgumentNullException);
        Assert.That(() => detector.DetectAsync((Stream)null!), Throws.ArgumentNullException);
        Assert.That(() => detector.DetectAsync([null!]), Throws.ArgumentException);
    }
}
