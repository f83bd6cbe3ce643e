// Stand-in for InternalCompilerException of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU;

/// <summary>A kernel that can't be compiled: the stand-in compiles none, and never throws it.</summary>
internal sealed class InternalCompilerException : Exception;
