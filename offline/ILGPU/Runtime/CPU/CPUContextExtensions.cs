// Stand-in for CPUContextExtensions of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime.CPU;

/// <summary>Adds CPU devices to a context, and finds them there.</summary>
internal static class CPUContextExtensions
{
    public static Context.Builder DefaultCPU(this Context.Builder builder) => builder.CPU(CPUDeviceKind.Default);

    public static Context.Builder CPU(this Context.Builder builder, CPUDeviceKind kind) =>
        builder.CPU(CPUDevice.GetDevice(kind));

    public static Context.Builder CPU(this Context.Builder builder, CPUDevice device)
    {
        builder.Devices.Add(device);
        return builder;
    }

    public static CPUDevice GetCPUDevice(this Context context, int cpuDeviceIndex) =>
        context.GetDevice<CPUDevice>(cpuDeviceIndex);

    public static Context.DeviceCollection<CPUDevice> GetCPUDevices(this Context context) =>
        context.GetDevices<CPUDevice>();

    public static CPUAccelerator CreateCPUAccelerator(this Context context, int cpuDeviceIndex) =>
        context.GetCPUDevice(cpuDeviceIndex).CreateCPUAccelerator(context);

    public static CPUAccelerator CreateCPUAccelerator(this Context context, int cpuDeviceIndex,
        CPUAcceleratorMode mode) =>
        context.GetCPUDevice(cpuDeviceIndex).CreateCPUAccelerator(context, mode);
}
