// Stand-in for AlgorithmContext (ILGPU.Algorithms) of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU;

/// <summary>Switches ILGPU.Algorithms on: here it always is.</summary>
internal static class AlgorithmContext
{
    public static Context.Builder EnableAlgorithms(this Context.Builder builder) => builder;
}
