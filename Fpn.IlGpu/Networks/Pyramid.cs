using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Networks;

/// <summary>Reads the pyramid of the configured kind.</summary>
internal static class Pyramid
{
    /// <summary>The number of backbone maps that the pyramid in a model file uses, counted from the coarsest.</summary>
    public static int MapCount(WeightReader weights, string name) => Math.Max(1, weights.Count(name + ".inner_blocks."));

    /// <summary>Reads a pyramid from a model file.</summary>
    /// <param name="kind">One of <see cref="PyramidKind"/>.</param>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.fpn</c>.</param>
    /// <param name="backboneChannels">Channels of the backbone's maps, finest first.</param>
    public static IPyramid Read(string kind, Device device, WeightReader weights, string name, IReadOnlyList<int> backboneChannels)
        => kind switch
        {
            PyramidKind.Fpn => FeaturePyramid.Read(device, weights, name, backboneChannels),
            PyramidKind.SingleMap => new SingleMap(device, backboneChannels[^1]),
            _ => AblatedPyramid.Read(kind, device, weights, name, backboneChannels),
        };
}
