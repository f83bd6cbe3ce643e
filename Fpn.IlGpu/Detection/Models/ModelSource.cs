using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>The inputs for building a detector: the device, the state dict, its configuration, and a list for problems.</summary>
internal sealed record ModelSource(
    Device Device, StateDictionary State, ModelConfiguration Configuration, List<string>? Problems = null)
{
    /// <summary>What is trained; null for inference.</summary>
    public TrainingPlan? Plan { get; init; }

    /// <summary>A backbone that the library doesn't know, or null.</summary>
    public BackboneLayout? Backbone { get; init; }

    /// <summary>Reads the tensors and records which of them were read.</summary>
    public WeightReader Weights { get; } = new(State, Configuration.BatchNormEpsilon, Problems);

    /// <summary>The network that the state dict's tensors describe; its weights are not loaded yet.</summary>
    public DetectorNetwork Network => field ??= new(DetectorLayout.Read(Weights, Configuration, Backbone));
}
