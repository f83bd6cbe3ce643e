using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tests.Parity;

namespace Fpn.IlGpu.Tests.Detection;

/// <summary>A loop over frames leaves the garbage collector little to do.</summary>
[NonParallelizable]
internal sealed class FrameAllocationTests
{
    // Small objects for each layer's output, and the results. The pixels of a frame alone would be 307 200.
    private const int MostBytes = 32_000;

    [Test]
    public void A_frame_allocates_small_objects_only()
    {
        var device = TestDevices.Open("cpu");
        using var detector = Detector.Load(device);
        var frame = PictureReader.Read(new ReferenceCase("shapes").Picture("shapes-320x320.png"));
        detector.Detect(frame.Pixels, frame.Width, frame.Height);
        detector.Detect(frame.Pixels, frame.Width, frame.Height);
        const int frames = 4;
        // All of it is allocated by this thread: the others run kernels.
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < frames; i++)
            detector.Detect(frame.Pixels, frame.Width, frame.Height);
        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / frames;
        TestContext.Out.WriteLine($"{each} bytes a frame");
        Assert.That(each, Is.LessThan(MostBytes));
    }
}
