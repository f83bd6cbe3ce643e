using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Networks;

/// <summary>The sizes of a pyramid's layers.</summary>
/// <param name="Kind">One of <see cref="PyramidKind"/>.</param>
/// <param name="Channels">Channels of every level, d.</param>
/// <param name="HasNorms">Whether a batch norm follows each convolution.</param>
/// <param name="Extra">How the levels above the backbone's top map are computed.</param>
internal sealed record PyramidLayout(string Kind, int Channels, bool HasNorms, ExtraLevelsKind Extra)
{
    /// <summary>Reads the layout of a model file.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>backbone.fpn</c>.</param>
    /// <param name="kind">One of <see cref="PyramidKind"/>.</param>
    /// <param name="backboneChannels">Channels of the backbone's maps, finest first.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing.</exception>
    public static PyramidLayout Read(WeightReader weights, string name, string kind, IReadOnlyList<int> backboneChannels)
    {
        if (kind == PyramidKind.SingleMap)
            return new PyramidLayout(kind, backboneChannels[^1], HasNorms: false, ExtraLevelsKind.Subsampled);
        var top = $"{name}.inner_blocks.{backboneChannels.Count - 1}";
        var channels = weights.OutputC(top + ".0");
        return new PyramidLayout(
            kind, channels, weights.HasAny(top + ".1."), ExtraLevels.ReadKind(weights, name + ".extra_blocks", channels));
    }

    /// <summary>The number of backbone maps that the pyramid in a model file uses, counted from the coarsest.</summary>
    /// <param name="weights">Reads the tensors' names.</param>
    /// <param name="name">The prefix of their names: <c>backbone.fpn</c>.</param>
    public static int MapCount(WeightReader weights, string name) => Math.Max(1, weights.Count(name + ".inner_blocks."));

    /// <summary>Builds the pyramid on a backbone.</summary>
    /// <param name="layers">The layers of the network, to which the pyramid's are added.</param>
    /// <param name="name">The prefix of its tensors' names.</param>
    /// <param name="backbone">The backbone.</param>
    public IPyramid Build(LayerSet layers, string name, IBackbone backbone) => Kind switch
    {
        PyramidKind.Fpn => new FeaturePyramid(layers, name, this, backbone.Channels),
        PyramidKind.SingleMap => new SingleMap(backbone.Channels[^1]),
        _ => new AblatedPyramid(layers, name, this, backbone.Channels),
    };
}
