namespace Fpn.IlGpu.Networks;

/// <summary>
/// The sizes of a backbone's layers, from which it can be built. Derive from it to build a pyramid on a network of your own: see
/// <see cref="IBackbone"/>.
/// </summary>
public abstract record BackboneLayout
{
    /// <summary>Reads the layout of a model file's backbone; the names of its tensors tell its kind.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>backbone.body</c>.</param>
    /// <param name="strideInFirst">For a ResNet, whether a bottleneck's stride is in its first 1×1 (the paper) or its 3×3 (torchvision).</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, or the network is of no known kind.</exception>
    internal static BackboneLayout Read(WeightReader weights, string name, bool strideInFirst)
        => MobileNetV3.IsNamedLike(weights, name) ? MobileNetV3Layout.Read(weights, name)
            : EfficientNet.IsNamedLike(weights, name) ? EfficientNetLayout.Read(weights, name)
            : Vgg.IsNamedLike(weights, name) ? VggLayout.Read(weights, name)
            : ResNetLayout.Read(weights, name, strideInFirst);

    /// <summary>The number of maps that the backbone can compute.</summary>
    public abstract int MostMaps { get; }

    /// <summary>Builds the backbone; its layers add themselves to the network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.body</c>.</param>
    /// <param name="mapCount">The number of maps to compute, counted from the coarsest.</param>
    public abstract IBackbone Build(LayerSet layers, string name, int mapCount);
}
