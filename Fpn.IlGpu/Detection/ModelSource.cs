using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>Where a model comes from, and where it goes.</summary>
internal sealed record ModelSource(
    Device Device, StateDictionary State, ModelConfiguration Configuration, List<string>? Problems)
{
    /// <summary>Reads the layers, and keeps count of which tensors were read.</summary>
    public WeightReader Weights { get; } = new(Device, State, Configuration.BatchNormEpsilon, Problems);
}
