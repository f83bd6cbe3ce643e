namespace Fpn.IlGpu.Runtime;

/// <summary>
/// Marks a kernel that is launched in groups whose size the launcher chooses, and that may use barriers and shared
/// memory. Such kernels are for GPUs: on a CPU, threads run one after another and cannot wait for each other.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GroupedKernelAttribute : Attribute;
