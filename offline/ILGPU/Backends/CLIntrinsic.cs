// Stand-in for CLIntrinsic of ILGPU 1.5.3, used where the package feed lacks it.
using System.Reflection;
using ILGPU.IR.Intrinsics;

namespace ILGPU.Backends.OpenCL;

/// <summary>What OpenCL devices run instead of a method.</summary>
internal sealed class CLIntrinsic : IntrinsicImplementation
{
    public CLIntrinsic(MethodInfo targetMethod, IntrinsicImplementationMode mode)
        : base(targetMethod, mode)
    {
    }

    public CLIntrinsic(Type handlerType, string methodName, IntrinsicImplementationMode mode)
        : base(handlerType, methodName, mode)
    {
    }
}
