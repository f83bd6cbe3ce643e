using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The layers of a network that have tensors, in the order of the forward pass. A network is defined first, by constructing its layers,
/// and then loaded:
/// <code>
/// var layers = new LayerSet();
/// var backbone = new ResNet(layers, "backbone.body", layout, …);      // names and shapes; no device yet
/// layers.Load(device, weights);                                       // for inference
/// layers.Load(device, weights, plan);                                 // or to be trained
/// </code>
/// The same definition therefore says what an untrained network consists of (<see cref="Tensors"/>).
/// </summary>
public sealed class LayerSet : IDisposable
{
    private readonly List<WeightedLayer> layers = [];

    internal LayerSet()
    {
    }

    /// <summary>All tensors of the network.</summary>
    internal IEnumerable<TensorSpec> Tensors => layers.SelectMany(layer => layer.Tensors);

    /// <summary>The parameters of a network that was loaded to be trained; otherwise null.</summary>
    internal ParameterSet? Parameters { get; private set; }

    /// <summary>Adds a layer; its constructor calls this.</summary>
    internal void Add(WeightedLayer layer) => layers.Add(layer);

    /// <summary>Loads all layers.</summary>
    /// <param name="device">The device to load them onto.</param>
    /// <param name="weights">The reader of their tensors.</param>
    /// <param name="plan">What is trained; null for inference, which keeps packed weights only.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, has another shape, or has values that are not finite.</exception>
    internal void Load(Device device, WeightReader weights, TrainingPlan? plan = null)
    {
        if (plan is null)
        {
            foreach (var layer in layers)
                layer.Load(device, weights);
            return;
        }
        Parameters = new ParameterSet(device, weights);
        foreach (var layer in layers)
            layer.Load(Parameters, plan.Of(layer.Name));
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (var layer in layers)
            layer.Dispose();
        Parameters?.Dispose();
    }
}
