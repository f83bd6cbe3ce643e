namespace Fpn.IlGpu.Runtime;

/// <summary>
/// Marks a kernel for CPUs through OpenCL: it is launched in groups of one thread, whose loops of constant length and whose
/// arrays the driver's compiler turns into vector instructions and registers. In larger groups it tries to vectorise across
/// threads instead, and gives up.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OpenClCpuKernelAttribute : Attribute;
