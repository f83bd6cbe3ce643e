using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// RetinaNet's two subnets (Lin et al., Focal Loss for Dense Object Detection, figure 3), shared by all levels. Each is a tower of 3×3
/// convolutions with ReLU and a last 3×3 convolution without. One predicts a logit per class for each of the A anchors at a location,
/// the other four box deltas for each anchor.
/// </summary>
internal sealed class RetinaHead : IDisposable
{
    private readonly Device device;
    private readonly TowerLayer[] classTower;
    private readonly ConvolutionLayer logits;
    private readonly TowerLayer[] boxTower;
    private readonly ConvolutionLayer deltas;

    private RetinaHead(Device device, TowerLayer[] classTower, ConvolutionLayer logits, TowerLayer[] boxTower, ConvolutionLayer deltas)
    {
        this.device = device;
        this.classTower = classTower;
        this.logits = logits;
        this.boxTower = boxTower;
        this.deltas = deltas;
    }

    /// <summary>A description for users.</summary>
    public string Description
        => $"two towers of {classTower.Length} + 1 convolutions{(classTower[0].HasNorm ? " with group norm" : "")}, "
            + $"{AnchorsPerLocation} anchors per location";

    /// <summary>The number of anchors per location, A.</summary>
    public int AnchorsPerLocation => deltas.OutputChannels / 4;

    /// <summary>The number of classes; the background is not one of them.</summary>
    public int Classes => logits.OutputChannels / AnchorsPerLocation;

    /// <summary>Reads the head for a pyramid from a model file.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>head</c>.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    /// <exception cref="WeightsException">A tensor is missing, or the two subnets have different numbers of anchors.</exception>
    public static RetinaHead Read(Device device, WeightReader weights, string name, int channels)
    {
        var window = ConvolutionWindow.Square(padding: 1);
        var classTower = TowerLayer.ReadAll(device, weights, name + ".classification_head.conv", channels);
        var logits = weights.Convolution(name + ".classification_head.cls_logits", classTower[^1].OutputChannels, window, Activation.None);
        var boxTower = TowerLayer.ReadAll(device, weights, name + ".regression_head.conv", channels);
        var deltas = weights.Convolution(name + ".regression_head.bbox_reg", boxTower[^1].OutputChannels, window, Activation.None);
        return deltas.OutputChannels % 4 == 0 && deltas.OutputChannels > 0 && logits.OutputChannels % (deltas.OutputChannels / 4) == 0
            ? new RetinaHead(device, classTower, logits, boxTower, deltas)
            : throw weights.Error(
                $"the tensor '{name}.classification_head.cls_logits.weight' has {logits.OutputChannels} outputs, which "
                + $"do not fit the anchors of '{name}.regression_head.bbox_reg.weight' with its {deltas.OutputChannels} outputs.");
    }

    /// <summary>Runs both subnets on every level; the caller disposes the output.</summary>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, d].</param>
    public RetinaOutput Run(FeatureMaps pyramid)
    {
        var shapes = pyramid.Shapes;
        var output = new RetinaOutput(
            new FeatureMaps(device, [.. shapes.Select(s => s with { C = logits.OutputChannels })]),
            new FeatureMaps(device, [.. shapes.Select(s => s with { C = deltas.OutputChannels })]));
        for (var l = 0; l < pyramid.Count; l++)
        {
            using (var features = classTower.RunAll(pyramid[l]))
                logits.Run(features, null, output.Logits[l]);
            using (var features = boxTower.RunAll(pyramid[l]))
                deltas.Run(features, null, output.Deltas[l]);
        }
        return output;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in classTower.Concat(boxTower))
            layer.Dispose();
        logits.Dispose();
        deltas.Dispose();
    }
}

/// <summary>RetinaNet's predictions for every anchor.</summary>
/// <param name="Logits">The logits of each level, [N, Hl, Wl, A · classes].</param>
/// <param name="Deltas">The deltas of each level, [N, Hl, Wl, 4 · A].</param>
internal sealed record RetinaOutput(FeatureMaps Logits, FeatureMaps Deltas) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Logits.Dispose();
        Deltas.Dispose();
    }
}
