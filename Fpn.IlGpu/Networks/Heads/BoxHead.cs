using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The Fast R-CNN head (paper, section 4.2), shared by the RoIs of all levels: two fully connected layers with ReLU, then two sibling
/// layers that predict a logit and four box deltas for each class and the background. torchvision's second generation of models has
/// 3×3 convolutions with batch norms and then a single hidden layer. The baseline without a pyramid has a <see cref="StageHead"/>.
/// </summary>
internal sealed class BoxHead : IDisposable
{
    private readonly Device device;
    private readonly StageHead? stage;
    private readonly ConvolutionLayer[] convolutions;
    private readonly ConvolutionWeights[] hidden;
    private readonly ConvolutionWeights scores;
    private readonly ConvolutionWeights deltas;

    private BoxHead(
        Device device, StageHead? stage, ConvolutionLayer[] convolutions, ConvolutionWeights[] hidden, ConvolutionWeights scores,
        ConvolutionWeights deltas, int bins)
    {
        this.device = device;
        this.stage = stage;
        this.convolutions = convolutions;
        this.hidden = hidden;
        this.scores = scores;
        this.deltas = deltas;
        Bins = bins;
    }

    /// <summary>A description for users.</summary>
    public string Description => stage is not null
        ? $"the fifth stage, 2 fully connected of {stage.OutputChannels}"
        : (convolutions.Length == 0 ? "" : $"{convolutions.Length} convolutions, ")
            + $"{hidden.Length} + 2 fully connected of {hidden[^1].OutputC}";

    /// <summary>The side of a RoI's features in bins: usually 7; <see cref="StageHead.Bins"/> for a <see cref="StageHead"/>.</summary>
    public int Bins { get; }

    /// <summary>The number of classes, including the background.</summary>
    public int Classes => scores.OutputC;

    /// <summary>Reads the head for a pyramid from a model file.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>roi_heads</c>.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    /// <param name="backgroundLast">Whether the background is the last class; if so, it needs no box deltas.</param>
    /// <param name="strideInFirst">For a <see cref="StageHead"/>, whether a bottleneck's stride is in its first 1×1.</param>
    /// <exception cref="WeightsException">A tensor is missing, or the shapes are inconsistent.</exception>
    public static BoxHead Read(
        Device device, WeightReader weights, string name, int channels, bool backgroundLast, bool strideInFirst = false)
    {
        if (weights.HasAny(StageHead.Name(name + ".box_head")))
        {
            var stage = StageHead.Read(device, weights, name + ".box_head", channels, strideInFirst);
            return Read(device, weights, name, stage, [], [], stage.OutputChannels, StageHead.Bins, backgroundLast);
        }
        var convolutions = new ConvolutionLayer[weights.HasAny(name + ".box_head.fc6.") ? 0 : Convolutions(weights, name + ".box_head")];
        for (var i = 0; i < convolutions.Length; i++)
        {
            convolutions[i] = weights.Normalised(
                $"{name}.box_head.{i}", channels, ConvolutionWindow.Square(padding: 1), Activation.Relu);
            channels = convolutions[i].OutputChannels;
        }

        // PyTorch's sequence has a flattening layer without weights after the convolutions: skip its number.
        string[] names = convolutions.Length == 0 ? ["fc6", "fc7"] : [$"{convolutions.Length + 1}"];
        var bins = (int)Math.Round(Math.Sqrt(weights.Size($"{name}.box_head.{names[0]}.weight", 1, 2) / (double)channels));
        var hidden = new ConvolutionWeights[names.Length];
        for (var i = 0; i < names.Length; i++)
        {
            hidden[i] = i == 0
                ? weights.FullyConnected($"{name}.box_head.{names[i]}", channels, Math.Max(1, bins * bins))
                : weights.FullyConnected($"{name}.box_head.{names[i]}", hidden[i - 1].OutputC);
        }
        return Read(device, weights, name, null, convolutions, hidden, hidden[^1].OutputC, bins, backgroundLast);
    }

    private static BoxHead Read(
        Device device, WeightReader weights, string name, StageHead? stage, ConvolutionLayer[] convolutions, ConvolutionWeights[] hidden,
        int features, int bins, bool backgroundLast)
    {
        var scores = weights.FullyConnected(name + ".box_predictor.cls_score", features);
        var deltas = weights.FullyConnected(name + ".box_predictor.bbox_pred", features);
        return deltas.OutputC == 4 * scores.OutputC || (backgroundLast && deltas.OutputC == 4 * (scores.OutputC - 1))
            ? new BoxHead(device, stage, convolutions, hidden, scores, deltas, bins)
            : throw weights.Error(
                $"the tensor '{name}.box_predictor.bbox_pred.weight' has {deltas.OutputC} outputs "
                + $"where {scores.OutputC} classes need {4 * scores.OutputC}.");
    }

    /// <summary>Computes the features for both predictions; the caller disposes them.</summary>
    /// <param name="roiFeatures">The RoI features, [R, bins, bins, d].</param>
    /// <param name="liveRois">The number of valid RoIs among the R, [1].</param>
    /// <returns>The features, for example [R, 1, 1, 1024].</returns>
    public Tensor Features(Tensor roiFeatures, ArrayView<int> liveRois)
    {
        if (stage is not null)
            return stage.Run(roiFeatures);
        using var convolved = convolutions.Length == 0 ? null : convolutions.RunAll(roiFeatures);
        var x = Multiply(convolved ?? roiFeatures, hidden[0], liveRois, Activation.Relu);
        foreach (var layer in hidden.Skip(1))
        {
            var next = Multiply(x, layer, liveRois, Activation.Relu);
            x.Dispose();
            x = next;
        }
        return x;
    }

    /// <summary>Computes the logits and deltas; the caller disposes them.</summary>
    /// <param name="features">The features, for example [R, 1, 1, 1024].</param>
    /// <param name="liveRois">The number of valid RoIs among the R, [1].</param>
    public BoxPredictions Predict(Tensor features, ArrayView<int> liveRois)
        => new(Multiply(features, scores, liveRois, Activation.None), Multiply(features, deltas, liveRois, Activation.None));

    /// <inheritdoc/>
    public void Dispose()
    {
        stage?.Dispose();
        foreach (var layer in convolutions)
            layer.Dispose();
        foreach (var layer in hidden)
            layer.Dispose();
        scores.Dispose();
        deltas.Dispose();
    }

    /// <summary>The number of convolutions: all parts of the head but the last two, the flattening and the fully connected layer.</summary>
    private static int Convolutions(WeightReader weights, string name) => Math.Max(0, weights.Count(name + ".") - 2);

    private Tensor Multiply(Tensor input, ConvolutionWeights layer, ArrayView<int> liveRows, Activation activation)
    {
        var output = Tensor.Rent(device, new Shape(input.Shape.N, 1, 1, layer.OutputC));
        MatrixProduct.Run(device, input, layer, liveRows, activation, output);
        return output;
    }
}

/// <summary>The box head's predictions for every RoI.</summary>
/// <param name="Logits">The logits, [R, 1, 1, classes].</param>
/// <param name="Deltas">
/// The deltas, [R, 1, 1, 4 · classes], or [R, 1, 1, 4 · (classes − 1)] if the background comes last and has none.
/// </param>
internal sealed record BoxPredictions(Tensor Logits, Tensor Deltas) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Logits.Dispose();
        Deltas.Dispose();
    }
}
