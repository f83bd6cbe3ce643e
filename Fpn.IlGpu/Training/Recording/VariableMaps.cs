using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Training;

/// <summary>Maps of several sizes in one device array, like <see cref="FeatureMaps"/>, each with its own gradient.</summary>
/// <param name="Values">The values of all maps; owned by the tape.</param>
/// <param name="Levels">The maps, finest first.</param>
internal sealed record VariableMaps(FeatureMaps Values, IReadOnlyList<Variable> Levels);
