using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The Fast R-CNN head (paper, section 4.2), the same for RoIs of every level: two fully connected layers with ReLU,
/// then two sibling ones: a logit for each class and the background, and four box deltas for each.
/// </summary>
internal sealed class BoxHead : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionWeights fc6;
    private readonly ConvolutionWeights fc7;
    private readonly ConvolutionWeights scores;
    private readonly ConvolutionWeights deltas;

    private BoxHead(
        Device device, ConvolutionWeights fc6, ConvolutionWeights fc7, ConvolutionWeights scores, ConvolutionWeights deltas, int bins)
    {
        this.device = device;
        this.fc6 = fc6;
        this.fc7 = fc7;
        this.scores = scores;
        this.deltas = deltas;
        Bins = bins;
    }

    /// <summary>The side of a RoI's features: 7.</summary>
    public int Bins { get; }

    /// <summary>The number of classes, the background counted.</summary>
    public int Classes => scores.OutputC;

    /// <summary>Reads one for a pyramid.</summary>
    /// <param name="device">Where its weights go.</param>
    /// <param name="weights">Where from.</param>
    /// <param name="name">What its tensors' names begin with: <c>roi_heads</c>.</param>
    /// <param name="channels">d.</param>
    /// <exception cref="WeightsException">Something is missing, or shapes don't fit one another.</exception>
    public static BoxHead Read(Device device, WeightReader weights, string name, int channels)
    {
        var fc6Name = name + ".box_head.fc6";
        var bins = (int)Math.Round(Math.Sqrt(weights.Size(fc6Name + ".weight", 1, 2) / (double)channels));
        var fc6 = weights.FullyConnected(fc6Name, channels, Math.Max(1, bins * bins));
        var fc7 = weights.FullyConnected(name + ".box_head.fc7", fc6.OutputC);
        var scores = weights.FullyConnected(name + ".box_predictor.cls_score", fc7.OutputC);
        var deltas = weights.FullyConnected(name + ".box_predictor.bbox_pred", fc7.OutputC);
        return deltas.OutputC == 4 * scores.OutputC
            ? new BoxHead(device, fc6, fc7, scores, deltas, bins)
            : throw weights.Error(
                $"the tensor '{name}.box_predictor.bbox_pred.weight' has {deltas.OutputC} outputs "
                + $"where {scores.OutputC} classes need {4 * scores.OutputC}.");
    }

    /// <summary>The features from which both predictions are made; the caller disposes them.</summary>
    /// <param name="roiFeatures">[R, bins, bins, d].</param>
    /// <param name="liveRois">[1]: how many of the R RoIs there are.</param>
    /// <returns>[R, 1, 1, 1024].</returns>
    public Tensor Features(Tensor roiFeatures, ArrayView<int> liveRois)
    {
        using var hidden = Multiply(roiFeatures, fc6, liveRois, relu: true);
        return Multiply(hidden, fc7, liveRois, relu: true);
    }

    /// <summary>Both predictions.</summary>
    /// <param name="features">[R, 1, 1, 1024].</param>
    /// <param name="liveRois">[1]: how many of the R RoIs there are.</param>
    public BoxPredictions Predict(Tensor features, ArrayView<int> liveRois)
        => new(Multiply(features, scores, liveRois, relu: false), Multiply(features, deltas, liveRois, relu: false));

    /// <inheritdoc/>
    public void Dispose()
    {
        fc6.Dispose();
        fc7.Dispose();
        scores.Dispose();
        deltas.Dispose();
    }

    private Tensor Multiply(Tensor input, ConvolutionWeights layer, ArrayView<int> liveRows, bool relu)
    {
        var output = Tensor.Rent(device, new Shape(input.Shape.N, 1, 1, layer.OutputC));
        MatrixProduct.Run(device, input, layer, liveRows, relu, output);
        return output;
    }
}

/// <summary>What the box head says of every RoI.</summary>
/// <param name="Logits">[R, 1, 1, classes].</param>
/// <param name="Deltas">[R, 1, 1, 4 · classes].</param>
internal sealed record BoxPredictions(Tensor Logits, Tensor Deltas) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Logits.Dispose();
        Deltas.Dispose();
    }
}
