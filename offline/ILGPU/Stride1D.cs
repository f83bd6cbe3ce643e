// Stand-in for Stride1D of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU;

/// <summary>How elements of a one-dimensional view are spaced.</summary>
internal static class Stride1D
{
    /// <summary>Each element follows the one before.</summary>
    public readonly struct Dense;
}
