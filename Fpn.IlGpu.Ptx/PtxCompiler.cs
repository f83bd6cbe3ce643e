using System.Reflection;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Fpn.IlGpu.Ptx;

/// <summary>Compiles a kernel to PTX for compute capability 8.0 with ILGPU, which needs no GPU for that.</summary>
internal static class PtxCompiler
{

    /// <summary>Returns a kernel's PTX.</summary>
    /// <param name="kernel">The kernel; it is implicitly grouped if its first parameter is an index.</param>
    public static string Compile(MethodInfo kernel)
    {
        using var context = DeviceList.CreateContext(DeviceKind.Cpu);
        Intrinsics.Register(context);
        using var backend = new PTXBackend(context, CudaArchitecture.SM_80, CudaInstructionSet.ISA_70, nvvmAPI: null!);
        var entry = IsImplicitlyGrouped(kernel)
            ? EntryPointDescription.FromImplicitlyGroupedKernel(kernel)
            : EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
        return ((PTXCompiledKernel)backend.Compile(entry, default(KernelSpecialization))).PTXAssembly;
    }

    /// <summary>Whether ILGPU chooses the groups, and passes an index.</summary>
    public static bool IsImplicitlyGrouped(MethodInfo kernel)
        => kernel.GetParameters() is [var first, ..] && first.ParameterType == typeof(Index1D);
}
