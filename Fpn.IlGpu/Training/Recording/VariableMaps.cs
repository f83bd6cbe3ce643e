using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Training;

/// <summary>Maps of several sizes in one device array, as <see cref="FeatureMaps"/>, each with its gradient.</summary>
/// <param name="Values">All maps; the tape's.</param>
/// <param name="Levels">Finest first.</param>
internal sealed record VariableMaps(FeatureMaps Values, IReadOnlyList<Variable> Levels);
