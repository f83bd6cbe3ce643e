namespace Fpn.IlGpu.Runtime;

/// <summary>
/// Marks a kernel that is launched in groups whose size the launcher chooses, and that may use barriers and shared
/// memory. Such kernels are for GPUs: the CPU accelerator's groups have two threads.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GroupedKernelAttribute : Attribute;
