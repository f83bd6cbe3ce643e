using System.Reflection;
using ILGPU.Runtime.OpenCL;

namespace Fpn.IlGpu.Runtime;

/// <summary>
/// ILGPU refuses OpenCL devices that don't advertise the generic address space (PoCL 3.1, say), although only kernels
/// that mix pointers of several address spaces need it, which ours never do. The capability has no public setter.
/// </summary>
internal static class OpenClOptIn
{
    /// <summary>Declares the capability on an OpenCL device; any other device is left alone.</summary>
    public static void Apply(ILGPU.Runtime.Device device)
    {
        if (device is not CLDevice openCl)
            return;
        var setter = typeof(CLCapabilityContext)
            .GetProperty(nameof(CLCapabilityContext.GenericAddressSpace), BindingFlags.Instance | BindingFlags.Public)
            ?.GetSetMethod(nonPublic: true)
            ?? throw new DeviceException("This ILGPU has no way to use OpenCL devices without generic address space.");
        setter.Invoke(openCl.Capabilities, [true]);
    }
}
