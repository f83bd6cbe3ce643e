namespace Fpn.IlGpu.Runtime;

/// <summary>Marks a kernel that runs on CPU devices only: its intrinsics have no body for another backend.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CpuOnlyAttribute : Attribute;
