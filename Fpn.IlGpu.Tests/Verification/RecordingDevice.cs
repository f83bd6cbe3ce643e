using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Tests.Verification;

/// <summary>
/// A device of any kind that records which kernels are launched, and runs none of them. On any machine it shows what would be
/// launched on any other.
/// </summary>
internal static class RecordingDevice
{
    /// <summary>Opens a recording device.</summary>
    /// <param name="info">The device to simulate.</param>
    /// <param name="precision">The precision to simulate.</param>
    /// <param name="launched">Receives the kernels that are launched with at least one thread.</param>
    public static Device Open(DeviceInfo info, Precision precision, ConcurrentDictionary<MethodInfo, bool> launched)
    {
        var device = Device.Simulate(info, Launcher, precision);
        device.Limits = new DeviceLimits(GroupThreads: 1024, SharedBytes: 48 << 10, Multiprocessors: 16);
        return device;

        Delegate Launcher(Delegate kernel, Type type)
        {
            var parameters = type.GetMethod("Invoke")!.GetParameters().Select(p => Expression.Parameter(p.ParameterType)).ToArray();
            Action note = () => launched[kernel.Method] = true;
            return Expression.Lambda(type, Expression.Invoke(Expression.Constant(note)), parameters).Compile();
        }
    }
}
