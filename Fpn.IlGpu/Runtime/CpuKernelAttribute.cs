namespace Fpn.IlGpu.Runtime;

/// <summary>
/// Marks a kernel that is launched on CPUs only, where all its work is an intrinsic's own body; GPUs have another kernel
/// for the same thing.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CpuKernelAttribute : Attribute;
