using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Tests.Runtime;

public sealed class OpeningDevicesTests
{
    [Test]
    public void The_list_has_the_cpu_and_exactly_one_default()
    {
        var devices = Device.List();
        Assert.That(devices.Count(d => d.Id == "cpu" && d.Kind == DeviceKind.Cpu), Is.EqualTo(1));
        Assert.That(devices.Count(d => d.IsDefault), Is.EqualTo(1));
        Assert.That(devices.Select(d => d.Id), Is.Unique);
        Assert.That(devices.Single(d => d.IsDefault).Unusable, Is.Null);
    }

    [Test]
    public void Auto_opens_the_default()
    {
        using var device = Device.Open();
        Assert.That(device.Info, Is.EqualTo(Device.List().Single(d => d.IsDefault)));
    }

    [TestCase("cuda:7")]
    [TestCase("opencl:99")]
    public void A_missing_device_is_named_together_with_those_present(string name)
        => Assert.That(() => Device.Open(name), Throws.TypeOf<DeviceException>().With.Message.Contains(name).And.Message.Contains("cpu"));

    [TestCase("")]
    [TestCase("gpu")]
    [TestCase("cuda:")]
    [TestCase("cuda:-1")]
    [TestCase("cpu:0")]
    [TestCase("cuda:0:1")]
    public void A_malformed_name_is_refused_with_the_valid_forms(string name)
        => Assert.That(() => Device.Open(name), Throws.TypeOf<DeviceException>().With.Message.Contains("opencl[:n]"));

    [Test]
    public void A_closed_device_refuses_work()
    {
        var device = Device.Open("cpu");
        device.Dispose();
        device.Dispose();
        Assert.That(() => device.Guard(() => 1), Throws.TypeOf<ObjectDisposedException>());
    }
}
