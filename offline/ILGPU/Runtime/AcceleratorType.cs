// Stand-in for AcceleratorType of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime;

/// <summary>The kinds of device.</summary>
internal enum AcceleratorType
{
    CPU,
    Cuda,
    OpenCL,
}
