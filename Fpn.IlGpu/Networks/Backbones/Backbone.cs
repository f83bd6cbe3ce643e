using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Networks;

/// <summary>Reads the backbone of a model file, whatever its kind.</summary>
internal static class Backbone
{
    /// <summary>Reads a ResNet or a MobileNetV3; the names of its tensors tell which.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.body</c>.</param>
    /// <param name="strideInFirst">For a ResNet, whether a bottleneck's stride is in its first 1×1.</param>
    /// <param name="mapCount">The number of maps to return, counted from the coarsest.</param>
    public static IBackbone Read(Device device, WeightReader weights, string name, bool strideInFirst, int mapCount)
        => MobileNetV3.IsNamedLike(weights, name)
            ? MobileNetV3.Read(device, weights, name, mapCount)
            : ResNet.Read(device, weights, name, strideInFirst, mapCount);
}
