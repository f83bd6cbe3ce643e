using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Ptx;
using Fpn.IlGpu.Tests.Parity;

namespace Fpn.IlGpu.Tests.Ptx;

/// <summary>The shipped model, from picture to boxes, run entirely by interpreted CUDA kernels.</summary>
public sealed class InterpretedModelTests
{
    // Small pictures and few proposals, so that a run takes seconds.
    private const string Small = """{"min_size": 64, "max_size": 96, "rpn_pre_nms_top_n": 60, "rpn_post_nms_top_n": 20}""";

    [Test]
    public void The_shipped_model_finds_the_same_objects_on_the_interpreter_as_on_the_CPU()
    {
        var picture = PictureReader.Read(new ReferenceCase("shapes").Picture("shapes-320x320.png"));
        using var onCpu = Detector.Load(TestDevices.Open("cpu"), null, Small);
        using var interpreted = Detector.Load(TestDevices.Open(InterpretedDevice.Id), null, Small);
        var (expected, found) = (onCpu.Detect(picture), interpreted.Detect(picture));
        TestContext.Out.WriteLine($"{found.Count} objects");
        Assert.That(found, Has.Count.EqualTo(expected.Count).And.Not.Empty);
        for (var i = 0; i < found.Count; i++)
        {
            Assert.That(found[i].ClassId, Is.EqualTo(expected[i].ClassId));
            Assert.That(found[i].Score, Is.EqualTo(expected[i].Score).Within(1e-3));
            Assert.That(found[i].BoxImagePx.X1, Is.EqualTo(expected[i].BoxImagePx.X1).Within(0.05));
            Assert.That(found[i].BoxImagePx.Y1, Is.EqualTo(expected[i].BoxImagePx.Y1).Within(0.05));
            Assert.That(found[i].BoxImagePx.X2, Is.EqualTo(expected[i].BoxImagePx.X2).Within(0.05));
            Assert.That(found[i].BoxImagePx.Y2, Is.EqualTo(expected[i].BoxImagePx.Y2).Within(0.05));
        }
    }
}
