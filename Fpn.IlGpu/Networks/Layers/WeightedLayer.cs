using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Networks;

/// <summary>A layer that has tensors of its own. It is defined without a device, and loaded onto one later.</summary>
public abstract class WeightedLayer : IDisposable
{
    /// <summary>Adds the layer to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names, for example <c>backbone.body.conv1</c>.</param>
    private protected WeightedLayer(LayerSet layers, string name)
    {
        Name = name;
        layers.Add(this);
    }

    /// <summary>The prefix of its tensors' names.</summary>
    public string Name { get; }

    /// <summary>The tensors that it needs, in the order of PyTorch's state dicts.</summary>
    internal abstract IEnumerable<TensorSpec> Tensors { get; }

    /// <summary>Reads its tensors and packs them for a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="weights">The reader of the tensors.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, has another shape, or has values that are not finite.</exception>
    internal abstract void Load(Device device, WeightReader weights);

    /// <summary>Reads its tensors as parameters, which can be trained and saved again.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="training">Which parts are trained.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, has another shape, or has values that are not finite.</exception>
    internal abstract void Load(ParameterSet parameters, LayerTraining training);

    /// <inheritdoc/>
    public abstract void Dispose();
}
