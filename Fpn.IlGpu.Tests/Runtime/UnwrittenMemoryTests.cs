using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tests.Parity;
using Fpn.IlGpu.Tests.Training;

namespace Fpn.IlGpu.Tests.Runtime;

/// <summary>Rented memory holds whatever was there before: in these tests NaN, which would spread to every result.</summary>
public sealed class UnwrittenMemoryTests(string deviceId) : ModelTests(deviceId)
{
    [SetUp]
    public void Fill() => Device.Memory.FillsWithNaN = true;

    [TearDown]
    public void StopFilling() => Device.Memory.FillsWithNaN = false;

    [Test]
    public void Rented_memory_is_filled_with_NaN()
    {
        using var array = Device.Rent<float>(1000);
        Assert.That(array.Download(), Is.All.NaN);
    }

    [Test]
    public void A_detection_does_not_read_unwritten_memory()
    {
        using var detector = Detector.Load(Device);
        var picture = PictureReader.Read(new ReferenceCase("shapes").Picture("shapes-320x320.png"));
        var filled = detector.Detect(picture);
        Device.Memory.FillsWithNaN = false;
        Assert.That(filled, Is.Not.Empty.And.EqualTo(detector.Detect(picture)));
    }

    [TestCase("frozen", 2, NormTraining.Frozen)]
    [TestCase("live", 0, NormTraining.Live)]
    public void A_training_step_does_not_read_unwritten_memory(string name, int frozenStages, NormTraining norms)
    {
        using var reference = new DetectorCase(name);
        var filled = LossesAndGradients();
        Device.Memory.FillsWithNaN = false;
        Assert.That(filled, Is.EqualTo(LossesAndGradients()).And.All.Not.NaN);

        float[] LossesAndGradients()
        {
            using var network = reference.Load(Device, frozenStages, norms);
            var losses = reference.Run(Device, network, backward: true).Values;
            return [.. losses, .. network.Parameters.Trained.SelectMany(p => p.GradientToArray())];
        }
    }
}
