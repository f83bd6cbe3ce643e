// Stand-in for PTXIntrinsic of ILGPU 1.5.3, used where the package feed lacks it.
using System.Reflection;
using ILGPU.IR.Intrinsics;
using ILGPU.Runtime.Cuda;

namespace ILGPU.Backends.PTX;

/// <summary>What CUDA devices run instead of a method.</summary>
internal sealed class PTXIntrinsic : IntrinsicImplementation
{
    public PTXIntrinsic(MethodInfo targetMethod, IntrinsicImplementationMode mode)
        : base(targetMethod, mode)
    {
    }

    public PTXIntrinsic(MethodInfo targetMethod, IntrinsicImplementationMode mode, CudaArchitecture minArchitecture)
        : base(targetMethod, mode) =>
        MinArchitecture = minArchitecture;

    public PTXIntrinsic(Type handlerType, string methodName, IntrinsicImplementationMode mode)
        : base(handlerType, methodName, mode)
    {
    }

    public PTXIntrinsic(
        Type handlerType,
        string methodName,
        IntrinsicImplementationMode mode,
        CudaArchitecture minArchitecture)
        : base(handlerType, methodName, mode) =>
        MinArchitecture = minArchitecture;

    public CudaArchitecture? MinArchitecture { get; }
}
