// Stand-in for IRContextExtensions of ILGPU 1.5.3, used where the package feed lacks it.
using ILGPU.IR.Intrinsics;

namespace ILGPU.IR;

/// <summary>Reaches the intrinsics of a context.</summary>
internal static class IRContextExtensions
{
    public static IntrinsicImplementationManager GetIntrinsicManager(this Context context) => context.IntrinsicManager;

    public static IntrinsicImplementationManager GetIntrinsicManager(this Context.Builder builder) =>
        builder.IntrinsicManager;
}
