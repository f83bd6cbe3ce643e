using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>The inputs for building a model: the device, the state dict, its configuration, and a list for problems.</summary>
internal sealed record ModelSource(
    Device Device, StateDictionary State, ModelConfiguration Configuration, List<string>? Problems)
{
    /// <summary>Reads the layers and records which tensors were read.</summary>
    public WeightReader Weights { get; } = new(Device, State, Configuration.BatchNormEpsilon, Problems);
}
