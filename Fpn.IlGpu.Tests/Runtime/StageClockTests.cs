using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Tests.Runtime;

public sealed class StageClockTests(string deviceId) : ModelTests(deviceId)
{
    [Test]
    public void The_stages_of_a_detection_account_for_all_its_arithmetic()
    {
        using var detector = Detector.Load(Device);
        var clock = Device.StageClock = new StageClock(Device);
        var before = Device.MultiplyAdds;
        detector.Detect(new RgbImage(160, 96));
        var stages = clock.Stop();
        Device.StageClock = null;

        Assert.That(stages.Select(s => s.Name), Is.EqualTo(
            ["preprocess", "backbone", "pyramid", "RPN head", "proposals", "RoI features", "box head", "postprocess"]));
        Assert.That(stages.Sum(s => s.MultiplyAdds), Is.EqualTo(Device.MultiplyAdds - before));
        Assert.That(stages.Where(s => s.MultiplyAdds > 0).Select(s => s.Name), Is.EqualTo(["backbone", "pyramid", "RPN head", "box head"]));
        Assert.That(stages.Select(s => s.Time), Has.All.GreaterThan(TimeSpan.Zero));
    }

    [Test]
    public void Stages_are_reported_once_and_only_while_a_clock_is_set()
    {
        using var detector = Detector.Load(Device);
        var clock = Device.StageClock = new StageClock(Device);
        var picture = new RgbImage(64, 64);
        detector.Detect(picture);
        var first = clock.Stop().Count;
        detector.Detect(picture);
        var second = clock.Stop().Count;
        Device.StageClock = null;
        detector.Detect(picture);

        Assert.That(second, Is.EqualTo(first));
        Assert.That(clock.Stop(), Is.Empty);
    }
}
