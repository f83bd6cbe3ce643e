using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Ptx;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Runtime.CPU;

namespace Fpn.IlGpu.Tests;

/// <summary>
/// The devices that tests run on: the CPU, the first OpenCL and the first CUDA device where there are any, and for CUDA's
/// kernels also an interpreter. Where one is missing, its tests are skipped by name; where it exists, they never are.
/// </summary>
internal static class TestDevices
{
    // In float32, as the references: the tests of convolutions run all precisions.
    private static readonly DeviceOptions Options = new() { AllowAnyOpenCl = true, Precision = Precision.Fp32 };
    private static readonly Dictionary<string, Device> Opened = [];
    private static readonly Lazy<IReadOnlyList<DeviceInfo>> Found = new(() => Device.List(Options));

    /// <summary>
    /// A CPU that works as a GPU does: one value a thread, groups of many threads, barriers. What is only for GPUs is
    /// tested here, too.
    /// </summary>
    public const string SimulatedGpu = "simulated";

    public static readonly string[] Real = ["cpu", "opencl:0", "cuda:0"];

    public static readonly string[] All = [.. Real, InterpretedDevice.Id];

    public static readonly string[] AllAndSimulated = [SimulatedGpu, .. All];

    public static readonly string[] Gpus = [SimulatedGpu, "opencl:0", "cuda:0", InterpretedDevice.Id];

    /// <summary>A device that all tests share, as its kernels are compiled once.</summary>
    public static Device Open(string id)
    {
        SkipWhereMissing(id);
        lock (Opened)
        {
            if (!Opened.TryGetValue(id, out var device))
                Opened[id] = device = OpenAlone(id);
            return device;
        }
    }

    /// <summary>
    /// The forms that a device can run. The simulated GPU gets a GPU's tile, but runs the CPU's body of it, which is of another size.
    /// </summary>
    public static IEnumerable<ConvolutionForm> Forms(Device device, ConvolutionGeometry geometry)
        => from form in ConvolutionForms.Ladder(device, geometry)
           where form != ConvolutionForm.Tile || device.Info.Id != SimulatedGpu
           select form;

    /// <summary>Whether no hardware is behind it, so that tests had better be small.</summary>
    public static bool IsSlow(Device device) => device.Info.Id is SimulatedGpu or InterpretedDevice.Id;

    /// <summary>A device that the caller closes.</summary>
    public static Device OpenAlone(string id)
    {
        SkipWhereMissing(id);
        return id switch
        {
            InterpretedDevice.Id => InterpretedDevice.Open(),
            SimulatedGpu => Simulate(),
            _ => Device.Open(id, Options),
        };
    }

    private static void SkipWhereMissing(string id)
    {
        var exists = id is InterpretedDevice.Id or SimulatedGpu || Found.Value.Any(d => d.Id == id);
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

    private static Device Simulate()
    {
        var simulated = new CPUDevice(numThreadsPerWarp: 32, numWarpsPerMultiprocessor: 8, numMultiprocessors: 1);
        var context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2).EnableAlgorithms().CPU(simulated));
        var info = new DeviceInfo(SimulatedGpu, DeviceKind.OpenCl, "A CPU that simulates a GPU", 0, null, false) { IsGpu = true };
        return new Device(context, context.Devices[0], info);
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
