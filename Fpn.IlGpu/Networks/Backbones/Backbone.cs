using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Networks;

/// <summary>Reads whichever backbone a file holds.</summary>
internal static class Backbone
{
    /// <summary>A ResNet or a MobileNetV3, told by the names of its tensors.</summary>
    /// <param name="device">Where its weights go.</param>
    /// <param name="weights">Where from.</param>
    /// <param name="name">What its tensors' names begin with: <c>backbone.body</c>.</param>
    /// <param name="strideInFirst">Of a ResNet: whether a bottleneck's stride is in its first 1×1.</param>
    /// <param name="mapCount">How many maps, the coarsest, it is to give.</param>
    public static IBackbone Read(Device device, WeightReader weights, string name, bool strideInFirst, int mapCount)
        => MobileNetV3.IsNamedLike(weights, name)
            ? MobileNetV3.Read(device, weights, name, mapCount)
            : ResNet.Read(device, weights, name, strideInFirst, mapCount);
}
