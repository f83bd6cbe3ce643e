// Stand-in for CLBackend of ILGPU 1.5.3, used where the package feed lacks it.
using ILGPU.Runtime.OpenCL;

namespace ILGPU.Backends.OpenCL;

/// <summary>The compiler to OpenCL C, of which only its demands are known here.</summary>
internal static class CLBackend
{
    public static readonly CLCVersion MinimumVersion = CLCVersion.CL20;
}
