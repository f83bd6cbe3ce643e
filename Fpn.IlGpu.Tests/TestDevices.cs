using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Ptx;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Tests;

/// <summary>
/// The devices that tests run on: the CPU, the first OpenCL device, the first CUDA device, and an interpreter of GPU kernels.
/// Tests on a missing device are skipped with its name; tests on a device that exists never are.
/// </summary>
internal static class TestDevices
{
    // In float32, like the references. The convolution tests cover every precision.
    private static readonly DeviceOptions Options = new() { AllowAnyOpenCl = true, Precision = Precision.Fp32 };
    private static readonly Dictionary<(string Worker, string Id), Device> Opened = [];
    private static readonly Lazy<IReadOnlyList<DeviceInfo>> Found = new(() => Device.List(Options));

    public static readonly string[] Real = ["cpu", "opencl:0", "cuda:0"];

    public static readonly string[] All = [.. Real, InterpretedDevice.Id];

    /// <summary>For operators that OpenCL GPUs compute in their own way.</summary>
    public static readonly string[] AllAndOpenCl = [.. All, InterpretedDevice.OpenClId];

    public static readonly string[] Gpus = ["opencl:0", "cuda:0", InterpretedDevice.Id];

    public static readonly string[] GpusAndOpenCl = [.. Gpus, InterpretedDevice.OpenClId];

    /// <summary>
    /// Opens a device that the tests of one worker share, so that its kernels are compiled once. A device must not be used by
    /// two threads at a time; the tests of a class run one after the other on the same worker.
    /// </summary>
    public static Device Open(string id)
    {
        SkipWhereMissing(id);
        var key = (TestContext.CurrentContext.WorkerId ?? "", id);
        lock (Opened)
        {
            if (!Opened.TryGetValue(key, out var device))
                Opened[key] = device = OpenAlone(id);
            return device;
        }
    }

    /// <summary>
    /// The forms that a device can run. As an OpenCL device, the interpreter runs only the forms that it doesn't run as a CUDA
    /// device, and not the tile, because it has only CUDA's tile.
    /// </summary>
    public static IEnumerable<ConvolutionForm> Forms(Device device, ConvolutionGeometry geometry)
        => from form in ConvolutionForms.Ladder(device, geometry)
           where device.Info.Id != InterpretedDevice.OpenClId || form is ConvolutionForm.Unfolded or ConvolutionForm.StagedWinograd
           select form;

    /// <summary>Whether the device is interpreted, so that its tests should be small.</summary>
    public static bool IsSlow(Device device) => device.Info.Id is InterpretedDevice.Id or InterpretedDevice.OpenClId;

    /// <summary>Opens a device that the caller closes.</summary>
    public static Device OpenAlone(string id)
    {
        SkipWhereMissing(id);
        return id switch
        {
            InterpretedDevice.Id => InterpretedDevice.Open(),
            InterpretedDevice.OpenClId => InterpretedDevice.OpenOpenCl(),
            _ => Device.Open(id, Options),
        };
    }

    private static void SkipWhereMissing(string id)
    {
        var exists = id is InterpretedDevice.Id or InterpretedDevice.OpenClId || Found.Value.Any(d => d.Id == id);
        if (!exists)
            Assert.Ignore($"This machine has no device {id}.");
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

/// <summary>Tests of operators, on each device and on the interpreter of CUDA kernels.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.All))]
public abstract class DeviceTests(string deviceId) : TestsOnDevice(deviceId);

/// <summary>Tests of whole models, for which the interpreter is too slow.</summary>
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
