// Stand-in for the enumerations of ContextProperties of ILGPU 1.5.3, used where the package feed lacks it.
#pragma warning disable CA1069 // some values have two names there
namespace ILGPU;

/// <summary>What the compiler inlines.</summary>
internal enum InliningMode
{
    Default = 0,
    Aggressive = 0,
    Conservative,
    Disabled,
}

/// <summary>How hard the compiler optimizes.</summary>
internal enum OptimizationLevel
{
    Debug = 0,
    O0 = 0,
    Release = 1,
    O1 = 1,
    O2 = 2,
}

/// <summary>How exact floating-point functions are.</summary>
internal enum MathMode
{
    Default,
    Fast,
    Fast32BitOnly,
}

/// <summary>What kernels may do with static fields.</summary>
internal enum StaticFieldMode
{
    Default,
    MutableStaticFields,
    IgnoreStaticFieldStores,
}

/// <summary>What kernels may do with arrays.</summary>
internal enum ArrayMode
{
    Default,
    InlineMutableStaticArrays,
}

/// <summary>What the compiler keeps.</summary>
internal enum CachingMode
{
    Default,
    NoLauncherCaching,
    NoKernelCaching,
    Disabled,
}

/// <summary>Whether memory of the host is locked for transfers.</summary>
internal enum PageLockingMode
{
    Default,
    Auto,
}

/// <summary>What a debugger sees of kernels.</summary>
internal enum DebugSymbolsMode
{
    Auto,
    Disabled,
    Basic,
    Kernel,
    KernelSourceAnnotations,
}
