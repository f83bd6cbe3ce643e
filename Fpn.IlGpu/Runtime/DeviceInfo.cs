namespace Fpn.IlGpu.Runtime;

/// <summary>What drives an accelerator.</summary>
public enum DeviceKind
{
    /// <summary>All cores of this machine; the library's own threads run the kernels.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU through its driver's CUDA interface; no toolkit is needed.</summary>
    Cuda,

    /// <summary>Any device with an OpenCL driver: AMD, Intel and others.</summary>
    OpenCl,
}

/// <summary>One accelerator of this machine.</summary>
/// <param name="Id">The name that <see cref="Device.Open"/> takes: <c>cpu</c>, <c>cuda:0</c>, <c>opencl:1</c>.</param>
/// <param name="Kind">What drives it.</param>
/// <param name="Name">The name that its driver gives it.</param>
/// <param name="MemoryBytes">Its memory in bytes; for the CPU, what this process may use of the machine's.</param>
/// <param name="Unusable">A sentence that says why it can't be used, or null where it can.</param>
/// <param name="IsDefault">Whether <c>auto</c> chooses it.</param>
public sealed record DeviceInfo(
    string Id, DeviceKind Kind, string Name, long MemoryBytes, string? Unusable, bool IsDefault)
{
    /// <summary>Whether it is a GPU; an OpenCL driver may also be one for CPUs, such as PoCL.</summary>
    public bool IsGpu { get; init; } = Kind == DeviceKind.Cuda;

    /// <summary>Whether it is an NVIDIA GPU with tensor cores that TF32 runs on: compute capability 8.0 and up.</summary>
    public bool HasTensorCores { get; init; }
}

/// <summary>How exactly convolutions and matrix products multiply; they always add up, and keep values in memory, in float32.</summary>
public enum Precision
{
    /// <summary>float32, 24 bits of each value.</summary>
    Fp32,

    /// <summary>
    /// Values are rounded to TF32's 11 bits on tensor cores, so that an output is off by up to 2⁻¹⁰ · Σ |input · weight|.
    /// </summary>
    Tf32,

    /// <summary>
    /// Values are rounded to FP16's 11 bits on tensor cores, with the same error as TF32's in the range of about 6·10⁻⁵ to 65504:
    /// below it, fewer bits are left, and beyond it, values overflow.
    /// </summary>
    Fp16,
}

/// <summary>Choices for opening a device.</summary>
public sealed record DeviceOptions
{
    /// <summary>
    /// Also use OpenCL devices that don't advertise OpenCL's generic address space, which ILGPU asks for and these
    /// kernels never need. PoCL before version 4 is one.
    /// </summary>
    public bool AllowAnyOpenCl { get; init; }

    /// <summary>How exactly to multiply; by default in TF32 where there are tensor cores for it, and else in float32.</summary>
    public Precision? Precision { get; init; }
}

/// <summary>No device could be opened, or one failed. The message is a sentence for the user.</summary>
public sealed class DeviceException : FpnException
{
    /// <summary>An error whose message says what is wrong and what would help.</summary>
    public DeviceException(string message)
        : base(message)
    {
    }

    /// <summary>An error that a driver's own caused.</summary>
    public DeviceException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
