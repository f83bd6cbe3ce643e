namespace Fpn.IlGpu.Networks;

/// <summary>
/// The sizes of a MobileNetV3-Large's layers: widths, kernels, expansion and squeeze-and-excitation. Strides and activations are
/// always the paper's.
/// </summary>
/// <param name="StemC">Channels of the first convolution.</param>
/// <param name="Blocks">The inverted residual blocks, 15.</param>
/// <param name="LastC">Channels of the last convolution.</param>
internal sealed record MobileNetV3Layout(int StemC, InvertedResidualLayout[] Blocks, int LastC) : BackboneLayout
{
    /// <summary>The paper's sizes (Searching for MobileNetV3, table 1).</summary>
    public static MobileNetV3Layout Large { get; } = new(
        16,
        [
            new(null, 3, null, 16),
            new(64, 3, null, 24),
            new(72, 3, null, 24),
            new(72, 5, 24, 40),
            new(120, 5, 32, 40),
            new(120, 5, 32, 40),
            new(240, 3, null, 80),
            new(200, 3, null, 80),
            new(184, 3, null, 80),
            new(184, 3, null, 80),
            new(480, 3, 120, 112),
            new(672, 3, 168, 112),
            new(672, 5, 168, 160),
            new(960, 5, 240, 160),
            new(960, 5, 240, 160),
        ],
        960);

    /// <inheritdoc/>
    public override int MostMaps => MobileNetV3.MostMaps;

    /// <summary>Reads the layout of a model file.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>backbone.body</c>.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, or the network is not a MobileNetV3-Large.</exception>
    public static MobileNetV3Layout Read(WeightReader weights, string name)
    {
        var layers = weights.Count(name + ".");
        if (layers != MobileNetV3.LastLayer + 1)
        {
            throw weights.Error(
                $"'{name}' has {layers} layers, but MobileNetV3-Large has {MobileNetV3.LastLayer + 1}; no other MobileNet is supported.");
        }
        return new MobileNetV3Layout(
            weights.OutputC(name + ".0.0"),
            [.. Enumerable.Range(1, MobileNetV3.LastLayer - 1).Select(l => InvertedResidualLayout.Read(weights, $"{name}.{l}.block"))],
            weights.OutputC($"{name}.{MobileNetV3.LastLayer}.0"));
    }

    /// <inheritdoc/>
    public override IBackbone Build(LayerSet layers, string name, int mapCount)
        => new MobileNetV3(layers, name, this, mapCount);
}
