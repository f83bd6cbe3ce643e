using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Networks;

/// <summary>Reads whichever pyramid a configuration names.</summary>
internal static class Pyramid
{
    /// <summary>The number of the backbone's maps, the coarsest, that a pyramid in a file stands on.</summary>
    public static int MapCount(WeightReader weights, string name) => Math.Max(1, weights.Count(name + ".inner_blocks."));

    /// <summary>Reads one.</summary>
    /// <param name="kind">One of <see cref="PyramidKind"/>.</param>
    /// <param name="device">Where its weights go.</param>
    /// <param name="weights">Where from.</param>
    /// <param name="name">What its tensors' names begin with: <c>backbone.fpn</c>.</param>
    /// <param name="backboneChannels">Channels of the backbone's maps, finest first.</param>
    public static IPyramid Read(string kind, Device device, WeightReader weights, string name, IReadOnlyList<int> backboneChannels)
        => kind switch
        {
            PyramidKind.Fpn => FeaturePyramid.Read(device, weights, name, backboneChannels),
            PyramidKind.SingleMap => new SingleMap(device, backboneChannels[^1]),
            _ => AblatedPyramid.Read(kind, device, weights, name, backboneChannels),
        };
}
