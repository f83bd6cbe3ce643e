// Stand-in for AcceleratorException of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime;

/// <summary>A driver's error: the stand-in has no driver, and never throws it.</summary>
internal abstract class AcceleratorException : Exception;
