using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The Feature Pyramid (paper, section 3): every level as strong in meaning as the top one, and as fine as its own.
/// <code>
/// M5 = lateral5(C5)
/// Ml = laterall(Cl) + upsample(Ml+1)        top-down, l = 4, 3, 2
/// Pl = smoothl(Ml)                          3×3, against the aliasing of upsampling
/// P6 = P5 subsampled by 2                   for the RPN only (section 4.1)
/// </code>
/// laterals are 1×1 convolutions to d channels; there is no non-linearity in any of these layers.
/// </summary>
internal sealed class FeaturePyramid : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionLayer[] laterals;
    private readonly ConvolutionLayer[] smooths;

    private FeaturePyramid(Device device, ConvolutionLayer[] laterals, ConvolutionLayer[] smooths)
    {
        this.device = device;
        this.laterals = laterals;
        this.smooths = smooths;
    }

    /// <summary>d, the channels of every level.</summary>
    public int Channels => smooths[0].OutputChannels;

    /// <summary>Reads one that stands on a backbone.</summary>
    /// <param name="device">Where its weights go.</param>
    /// <param name="weights">Where from.</param>
    /// <param name="name">What its tensors' names begin with: <c>backbone.fpn</c>.</param>
    /// <param name="backboneChannels">Channels of the backbone's maps, finest first.</param>
    public static FeaturePyramid Read(Device device, WeightReader weights, string name, IReadOnlyList<int> backboneChannels)
    {
        var laterals = new ConvolutionLayer[backboneChannels.Count];
        var smooths = new ConvolutionLayer[backboneChannels.Count];
        for (var l = 0; l < laterals.Length; l++)
        {
            // Since torchvision 0.13 each convolution is the first of a sequence.
            var lateral = weights.FirstOf($"{name}.inner_blocks.{l}.0", $"{name}.inner_blocks.{l}");
            var smooth = weights.FirstOf($"{name}.layer_blocks.{l}.0", $"{name}.layer_blocks.{l}");
            // All levels have the channels of the first.
            int? channels = l == 0 ? null : laterals[0].OutputChannels;
            laterals[l] = weights.Convolution(lateral, backboneChannels[l], ConvolutionWindow.Square(), relu: false, outputC: channels);
            channels = laterals[0].OutputChannels;
            smooths[l] = weights.Convolution(smooth, channels.Value, ConvolutionWindow.Square(padding: 1), relu: false, outputC: channels);
        }
        return new FeaturePyramid(device, laterals, smooths);
    }

    /// <summary>Builds P2 to P6 from C2 to C5, which it disposes as it goes.</summary>
    /// <param name="bottomUp">[N, Hl, Wl, Cl], finest first.</param>
    /// <returns>[N, Hl, Wl, d], finest first, and P6.</returns>
    public FeatureMaps Run(IReadOnlyList<Tensor> bottomUp)
    {
        var top = bottomUp.Count - 1;
        var pyramid = new FeatureMaps(device, OutputShapes(bottomUp));

        var merged = Lateral(top, bottomUp[top]);
        smooths[top].Run(merged, null, pyramid[top]);
        for (var l = top - 1; l >= 0; l--)
        {
            var lateral = Lateral(l, bottomUp[l]);
            UpsampleMerge.Run(device, lateral, merged, output: lateral);
            merged.Dispose();
            merged = lateral;
            smooths[l].Run(merged, null, pyramid[l]);
        }
        merged.Dispose();

        MaxPool.Run(device, pyramid[top], kernel: 1, stride: 2, padding: 0, pyramid[top + 1]);
        return pyramid;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in laterals.Concat(smooths))
            layer.Dispose();
    }

    private Tensor Lateral(int level, Tensor map)
    {
        using (map)
            return laterals[level].Run(map);
    }

    private List<Shape> OutputShapes(IReadOnlyList<Tensor> bottomUp)
    {
        var shapes = bottomUp.Select(map => map.Shape with { C = Channels }).ToList();
        shapes.Add(MaxPool.OutputShape(shapes[^1], kernel: 1, stride: 2, padding: 0));
        return shapes;
    }
}
