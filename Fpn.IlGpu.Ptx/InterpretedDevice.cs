using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// A CUDA device without a GPU. It gets the same kernels, tiles and weight layouts as CUDA devices, uses host memory, and
/// interprets at every launch the PTX that ILGPU compiles. So each test of an operator also tests its CUDA kernels.
/// </summary>
internal static class InterpretedDevice
{
    /// <summary>The device's name among the test devices.</summary>
    public const string Id = "ptx";

    /// <summary>The name of the device that acts as an OpenCL GPU. Its kernels run as PTX too.</summary>
    public const string OpenClId = "ptx-opencl";

    // Kernels hold nothing of a launch: devices share them.
    private static readonly ConcurrentDictionary<MethodInfo, PtxKernel> Kernels = [];

    public static Device Open()
    {
        var info = new DeviceInfo(Id, DeviceKind.Cuda, "PTX interpreter", 1L << 34, null, false) { HasTensorCores = true };
        return Open(info, groupThreads: 1024);
    }

    public static Device OpenOpenCl()
    {
        var info = new DeviceInfo(OpenClId, DeviceKind.OpenCl, "PTX interpreter as OpenCL", 1L << 34, null, false) { IsGpu = true };
        return Open(info, groupThreads: 256);
    }

    private static Device Open(DeviceInfo info, int groupThreads)
    {
        var device = Device.Simulate(info, Launcher);
        device.Limits = new DeviceLimits(groupThreads, SharedBytes: 48 << 10, Multiprocessors: 2);
        return device;
    }

    /// <summary>A launcher (stream, threads or configuration, arguments …) that runs a kernel's PTX.</summary>
    private static Delegate Launcher(Delegate kernel, Type type)
    {
        var parameters = type.GetMethod("Invoke")!.GetParameters().Select(p => Expression.Parameter(p.ParameterType)).ToArray();
        var arguments = Expression.NewArrayInit(typeof(object), parameters.Skip(1).Select(p => Expression.Convert(p, typeof(object))));
        var launch = typeof(InterpretedDevice).GetMethod(nameof(Launch), BindingFlags.Static | BindingFlags.NonPublic)!;
        return Expression.Lambda(type, Expression.Call(launch, Expression.Constant(kernel.Method), arguments), parameters).Compile();
    }

    private static void Launch(MethodInfo method, object[] arguments)
    {
        var kernel = Kernels.GetOrAdd(method, static m => new PtxKernel(PtxCompiler.Compile(m)));
        var rest = arguments[1..];
        switch (arguments[0])
        {
            case Index1D threads:
                kernel.Launch(threads, rest);
                break;
            case KernelConfig config:
                var (grid, group) = (config.GridDim, config.GroupDim);
                var bytes = config.SharedMemoryConfig.NumElements * config.SharedMemoryConfig.ElementSize;
                kernel.Run((grid.X, grid.Y, grid.Z), (group.X, group.Y, group.Z), bytes, rest);
                break;
            default:
                throw new PtxException($"A launch with {arguments[0].GetType().Name} is not interpreted.");
        }
    }
}
