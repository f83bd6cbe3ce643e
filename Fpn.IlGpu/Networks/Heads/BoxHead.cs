using Fpn.IlGpu.Kernels;
using ILGPU;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The Fast R-CNN head (paper, section 4.2), shared by the RoIs of all levels: two fully connected layers with ReLU, then two sibling
/// layers that predict a logit and four box deltas for each class and the background. torchvision's second generation of models has
/// 3×3 convolutions with batch norms and then a single hidden layer. The baseline without a pyramid has a <see cref="StageHead"/>.
/// </summary>
internal sealed class BoxHead
{
    private readonly StageHead? stage;
    private readonly ConvolutionLayer[] convolutions;
    private readonly FullyConnectedLayer[] hidden;
    private readonly FullyConnectedLayer scores;
    private readonly FullyConnectedLayer deltas;

    /// <summary>Defines the head, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>roi_heads</c>.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    public BoxHead(LayerSet layers, string name, BoxHeadLayout layout, int channels)
    {
        var head = name + ".box_head";
        Bins = layout.Bins;
        Classes = layout.Classes;
        if (layout.Stage is { } blocks)
            stage = new StageHead(layers, head, blocks, channels);
        convolutions = new ConvolutionLayer[layout.Convolutions.Length];
        for (var i = 0; i < convolutions.Length; i++)
        {
            convolutions[i] = new ConvolutionLayer(
                layers, $"{head}.{i}.0", channels, layout.Convolutions[i], ConvolutionWindow.Square(padding: 1), Activation.Relu,
                layout.HasNorms ? $"{head}.{i}.1" : null);
            channels = layout.Convolutions[i];
        }
        var names = BoxHeadLayout.HiddenNames(convolutions.Length);
        hidden = new FullyConnectedLayer[layout.Hidden.Length];
        for (var i = 0; i < hidden.Length; i++)
        {
            hidden[i] = new FullyConnectedLayer(
                layers, $"{head}.{names[i]}", i == 0 ? channels : layout.Hidden[i - 1], i == 0 ? Bins : 1, layout.Hidden[i], Activation.Relu);
        }
        var features = stage?.OutputC ?? layout.Hidden[^1];
        scores = new FullyConnectedLayer(layers, name + ".box_predictor.cls_score", features, 1, layout.Classes, Activation.None);
        deltas = new FullyConnectedLayer(layers, name + ".box_predictor.bbox_pred", features, 1, layout.Deltas, Activation.None);
    }

    /// <summary>A description for users.</summary>
    public string Description => stage is not null
        ? $"the fifth stage, 2 fully connected of {stage.OutputC}"
        : (convolutions.Length == 0 ? "" : $"{convolutions.Length} convolutions, ")
            + $"{hidden.Length} + 2 fully connected of {hidden[^1].OutputC}";

    /// <summary>The side of a RoI's features in bins: usually 7; <see cref="StageHead.Bins"/> for a <see cref="StageHead"/>.</summary>
    public int Bins { get; }

    /// <summary>The number of classes, including the background.</summary>
    public int Classes { get; }

    /// <summary>Computes the features for both predictions; the caller disposes them.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="roiFeatures">The RoI features, [R, bins, bins, d].</param>
    /// <param name="liveRois">The number of valid RoIs among the R, [1].</param>
    /// <returns>The features, for example [R, 1, 1, 1024].</returns>
    public Variable Features(Tape tape, Variable roiFeatures, ArrayView<int> liveRois)
    {
        if (stage is not null)
            return stage.Run(tape, roiFeatures);
        using var convolved = convolutions.Length == 0 ? null : convolutions.RunAll(tape, roiFeatures);
        var x = hidden[0].Run(tape, convolved ?? roiFeatures, liveRois);
        foreach (var layer in hidden.Skip(1))
        {
            var next = layer.Run(tape, x, liveRois);
            x.Dispose();
            x = next;
        }
        return x;
    }

    /// <summary>Computes the logits and deltas; the caller disposes them.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="features">The features, for example [R, 1, 1, 1024].</param>
    /// <param name="liveRois">The number of valid RoIs among the R, [1].</param>
    public BoxPredictions Predict(Tape tape, Variable features, ArrayView<int> liveRois)
        => new(scores.Run(tape, features, liveRois), deltas.Run(tape, features, liveRois));
}

/// <summary>The box head's predictions for every RoI.</summary>
/// <param name="Logits">The logits, [R, 1, 1, classes].</param>
/// <param name="Deltas">
/// The deltas, [R, 1, 1, 4 · classes], or [R, 1, 1, 4 · (classes − 1)] if the background comes last and has none.
/// </param>
internal sealed record BoxPredictions(Variable Logits, Variable Deltas) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Logits.Dispose();
        Deltas.Dispose();
    }
}
