// Stand-in for CudaDevice, its accelerator and extensions of ILGPU 1.5.3, used where the package feed lacks it.
#pragma warning disable CA1822 // instance members there, although they need no instance here
namespace ILGPU.Runtime.Cuda;

/// <summary>A CUDA device: there never is one.</summary>
internal sealed class CudaDevice : Device
{
    private CudaDevice()
        : base(AcceleratorType.Cuda)
    {
    }

    public int DeviceId => 0;

    public CudaArchitecture? Architecture => null;

    public override Accelerator CreateAccelerator(Context context) => CreateCudaAccelerator(context);

    public CudaAccelerator CreateCudaAccelerator(Context context) => new(context, this);
}

/// <summary>A CUDA device in use: there never is one.</summary>
internal sealed class CudaAccelerator : Accelerator
{
    internal CudaAccelerator(Context context, CudaDevice device)
        : base(context, device)
    {
    }

    public new CudaDevice Device => (CudaDevice)base.Device;

    public CudaArchitecture Architecture => Device.Architecture.GetValueOrDefault();
}

/// <summary>Adds the CUDA devices, of which there are none.</summary>
internal static class CudaContextExtensions
{
    public static Context.Builder Cuda(this Context.Builder builder) => builder;

    public static Context.Builder Cuda(this Context.Builder builder, Predicate<CudaDevice> predicate) => builder;

    public static Context.DeviceCollection<CudaDevice> GetCudaDevices(this Context context) =>
        context.GetDevices<CudaDevice>();
}
