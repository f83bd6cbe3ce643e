// Stand-in for CLDevice, CLAccelerator and CLContextExtensions of ILGPU 1.5.3, used where the package feed lacks it.
#pragma warning disable CA1822 // instance members there, although they need no instance here
using ILGPU.Backends.OpenCL;

namespace ILGPU.Runtime.OpenCL;

/// <summary>Who made an OpenCL device.</summary>
internal enum CLDeviceVendor
{
    AMD,
    Intel,
    Nvidia,
    Other,
}

/// <summary>What an OpenCL device is.</summary>
internal enum CLDeviceType
{
    CL_DEVICE_TYPE_CPU = 2,
    CL_DEVICE_TYPE_GPU = 4,
}

/// <summary>An OpenCL device: there never is one.</summary>
internal sealed class CLDevice : Device
{
    private CLDevice()
        : base(AcceleratorType.OpenCL)
    {
    }

    public string PlatformName => "";

    public string VendorName => "";

    public CLDeviceVendor Vendor => CLDeviceVendor.Other;

    public CLDeviceType DeviceType => CLDeviceType.CL_DEVICE_TYPE_CPU;

    public CLCVersion CVersion => CLBackend.MinimumVersion;

    public CLCVersion CLStdVersion => CLBackend.MinimumVersion;

    public new CLCapabilityContext Capabilities => (CLCapabilityContext)base.Capabilities;

    public override Accelerator CreateAccelerator(Context context) => CreateCLAccelerator(context);

    public CLAccelerator CreateCLAccelerator(Context context) => new(context, this);
}

/// <summary>An OpenCL device in use: there never is one.</summary>
internal sealed class CLAccelerator : Accelerator
{
    internal CLAccelerator(Context context, CLDevice device)
        : base(context, device)
    {
    }

    public new CLDevice Device => (CLDevice)base.Device;

    public CLDeviceVendor Vendor => Device.Vendor;
}

/// <summary>What an OpenCL device can do beside the basics.</summary>
internal sealed class CLCapabilityContext : CapabilityContext
{
    public bool GenericAddressSpace { get; internal set; }

    public bool Int64_Atomics { get; internal set; }

    public bool SubGroups { get; internal set; }
}

/// <summary>Adds the OpenCL devices, of which there are none.</summary>
internal static class CLContextExtensions
{
    public static Context.Builder OpenCL(this Context.Builder builder) => builder;

    public static Context.Builder OpenCL(this Context.Builder builder, Predicate<CLDevice> predicate) => builder;

    public static Context.DeviceCollection<CLDevice> GetCLDevices(this Context context) =>
        context.GetDevices<CLDevice>();
}
