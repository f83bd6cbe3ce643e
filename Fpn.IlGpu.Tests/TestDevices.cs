using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tests.Ptx;

namespace Fpn.IlGpu.Tests;

/// <summary>
/// The devices that tests run on: the CPU, the first OpenCL and the first CUDA device where there are any, and for CUDA's
/// kernels also an interpreter. Where one is missing, its tests are skipped by name; where it exists, they never are.
/// </summary>
internal static class TestDevices
{
    private static readonly DeviceOptions Options = new() { AllowAnyOpenCl = true };
    private static readonly Dictionary<string, Device> Opened = [];
    private static readonly Lazy<IReadOnlyList<DeviceInfo>> Found = new(() => Device.List(Options));

    public static readonly string[] Real = ["cpu", "opencl:0", "cuda:0"];

    public static readonly string[] All = [.. Real, InterpretedDevice.Id];

    /// <summary>A device that all tests share, as its kernels are compiled once.</summary>
    public static Device Open(string id)
    {
        if (id == InterpretedDevice.Id ? !PtxCompiler.Exists : Found.Value.All(d => d.Id != id))
            Assert.Ignore($"This machine has no device {id}, or the build uses the CPU-only stand-in for ILGPU.");
        lock (Opened)
        {
            if (!Opened.TryGetValue(id, out var device))
                Opened[id] = device = id == InterpretedDevice.Id ? InterpretedDevice.Open() : Device.Open(id, Options);
            return device;
        }
    }

    public static void CloseAll()
    {
        lock (Opened)
        {
            foreach (var device in Opened.Values)
                device.Dispose();
            Opened.Clear();
        }
    }
}

/// <summary>Closes the shared devices after the last test.</summary>
[SetUpFixture]
public sealed class SharedDevices
{
    [OneTimeTearDown]
    public void Close() => TestDevices.CloseAll();
}

/// <summary>Tests of operators: on each device, and on the interpreter of CUDA's kernels.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
public abstract class DeviceTests(string deviceId) : TestsOnDevice(deviceId);

/// <summary>Tests of whole models, for which interpreting takes too long.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.Real))]
public abstract class ModelTests(string deviceId) : TestsOnDevice(deviceId);

/// <summary>Tests that run on a device.</summary>
public abstract class TestsOnDevice(string deviceId)
{
    // The device is shared, and closed after the last test of all.
    internal Device Device => TestDevices.Open(deviceId);

    [OneTimeSetUp]
    public void OpenDevice() => TestDevices.Open(deviceId);
}
