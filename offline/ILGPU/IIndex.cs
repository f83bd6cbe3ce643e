// Stand-in for IIndex of ILGPU 1.5.3, used where the package feed lacks it.

namespace ILGPU;

/// <summary>What all index types have in common.</summary>
internal interface IIndex
{
    long LongSize { get; }
}
