using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The Feature Pyramid (paper, section 3): every level has the strong semantics of the top map at its own resolution.
/// <code>
/// M5 = lateral5(C5)
/// Ml = laterall(Cl) + upsample(Ml+1)        top-down, l = 4, 3, 2
/// Pl = smoothl(Ml)                          3×3, reduces the aliasing of upsampling
/// P6 = P5 subsampled by 2                   for the RPN only (section 4.1)
/// </code>
/// Laterals are 1×1 convolutions to d channels; their epilogue upsamples the coarser map and adds it. None of these layers has a
/// non-linearity. Some models have a batch norm after each convolution, and RetinaNet has other <see cref="ExtraLevels"/>.
/// </summary>
internal sealed class FeaturePyramid : IPyramid
{
    private readonly Device device;
    private readonly ConvolutionLayer[] laterals;
    private readonly ConvolutionLayer[] smooths;
    private readonly ExtraLevels extra;

    private FeaturePyramid(Device device, ConvolutionLayer[] laterals, ConvolutionLayer[] smooths, ExtraLevels extra)
    {
        this.device = device;
        this.laterals = laterals;
        this.smooths = smooths;
        this.extra = extra;
    }

    /// <inheritdoc/>
    public string Description => $"{Levels} levels of {Channels} channels, {extra.Description}";

    /// <inheritdoc/>
    public int Channels => smooths[0].OutputChannels;

    /// <summary>The number of levels, including those above the top map.</summary>
    public int Levels => laterals.Length + extra.Count;

    /// <inheritdoc/>
    public int MergedLevels => laterals.Length;

    /// <summary>Reads the pyramid for a backbone from a model file.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.fpn</c>.</param>
    /// <param name="backboneChannels">Channels of the backbone's maps, finest first.</param>
    public static FeaturePyramid Read(Device device, WeightReader weights, string name, IReadOnlyList<int> backboneChannels)
    {
        var laterals = new ConvolutionLayer[backboneChannels.Count];
        var smooths = new ConvolutionLayer[backboneChannels.Count];
        for (var l = 0; l < laterals.Length; l++)
        {
            // All levels have as many channels as the first.
            int? channels = l == 0 ? null : laterals[0].OutputChannels;
            laterals[l] = weights.Normalised(
                $"{name}.inner_blocks.{l}", backboneChannels[l], ConvolutionWindow.Square(), Activation.None, channels);
            channels = laterals[0].OutputChannels;
            smooths[l] = weights.Normalised(
                $"{name}.layer_blocks.{l}", channels.Value, ConvolutionWindow.Square(padding: 1), Activation.None, channels);
        }
        var extra = ExtraLevels.Read(device, weights, name + ".extra_blocks", backboneChannels[^1], laterals[0].OutputChannels);
        return new FeaturePyramid(device, laterals, smooths, extra);
    }

    /// <summary>Builds P2 to P6 from C2 to C5, and disposes each map after its last use.</summary>
    /// <param name="bottomUp">The backbone's maps, [N, Hl, Wl, Cl], finest first.</param>
    /// <returns>The levels, [N, Hl, Wl, d], finest first, including the extra ones.</returns>
    public FeatureMaps Run(IReadOnlyList<Tensor> bottomUp)
    {
        var top = bottomUp.Count - 1;
        var pyramid = new FeatureMaps(device, OutputShapes(bottomUp));

        var merged = laterals[top].Run(bottomUp[top]);
        smooths[top].Run(merged, null, pyramid[top]);
        extra.Run(bottomUp[top], pyramid, top);
        bottomUp[top].Dispose();
        for (var l = top - 1; l >= 0; l--)
        {
            var coarser = merged;
            merged = laterals[l].RunAndMerge(bottomUp[l], coarser);
            coarser.Dispose();
            bottomUp[l].Dispose();
            smooths[l].Run(merged, null, pyramid[l]);
        }
        merged.Dispose();
        return pyramid;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in laterals.Concat(smooths))
            layer.Dispose();
        extra.Dispose();
    }

    private List<Shape> OutputShapes(IReadOnlyList<Tensor> bottomUp)
    {
        var shapes = bottomUp.Select(map => map.Shape with { C = Channels }).ToList();
        shapes.AddRange(extra.OutputShapes(bottomUp[^1].Shape, shapes[^1]));
        return shapes;
    }
}
