using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// <see cref="BoxHead"/> on a tape, with the same tensors: convolutions if there are any, fully connected layers with
/// ReLU, then a logit for each class and four deltas for each; or a <see cref="TrainableStageHead"/> before these two.
/// </summary>
internal sealed class TrainableBoxHead : IDisposable
{
    private readonly TrainableStageHead? stage;
    private readonly TrainableConvolution[] convolutions;
    private readonly TrainableLinear[] hidden;
    private readonly TrainableLinear scores;
    private readonly TrainableLinear deltas;

    /// <summary>Reads one.</summary>
    /// <param name="parameters">Which its tensors become a part of.</param>
    /// <param name="name">What their names begin with: <c>roi_heads</c>.</param>
    /// <param name="channels">d.</param>
    /// <param name="strideInFirst">Of a fifth stage: whether a bottleneck's stride is in its first 1×1.</param>
    /// <param name="training">What of it is trained.</param>
    /// <exception cref="WeightsException">Something is missing, or shapes don't fit one another.</exception>
    public TrainableBoxHead(ParameterSet parameters, string name, int channels, bool strideInFirst, LayerTraining training)
    {
        var source = parameters.Source;
        var head = name + ".box_head";
        if (source.HasAny(StageHead.Name(head)))
        {
            stage = new TrainableStageHead(parameters, head, channels, strideInFirst, training);
            (convolutions, hidden, Bins) = ([], [], StageHead.Bins);
            (scores, deltas) = ReadPredictors(parameters, name, stage.OutputC, training);
            return;
        }
        // Of a sequence, the last two are one that flattens and has no weights, and one that is fully connected.
        convolutions = new TrainableConvolution[source.HasAny(head + ".fc6.") ? 0 : Math.Max(0, source.Count(head + ".") - 2)];
        for (var i = 0; i < convolutions.Length; i++)
        {
            convolutions[i] = TrainableConvolution.ReadNormalised(
                parameters, $"{head}.{i}", channels, ConvolutionWindow.Square(padding: 1), training);
            channels = convolutions[i].OutputC;
        }
        string[] names = convolutions.Length == 0 ? ["fc6", "fc7"] : [$"{convolutions.Length + 1}"];
        Bins = (int)Math.Round(Math.Sqrt(source.Size($"{head}.{names[0]}.weight", 1, 2) / (double)channels));
        hidden = new TrainableLinear[names.Length];
        for (var i = 0; i < names.Length; i++)
        {
            hidden[i] = TrainableLinear.Read(
                parameters, $"{head}.{names[i]}", i == 0 ? channels : hidden[i - 1].OutputC, i == 0 ? Math.Max(1, Bins) : 1, training);
        }
        (scores, deltas) = ReadPredictors(parameters, name, hidden[^1].OutputC, training);
    }

    /// <summary>The side of a RoI's features: 7.</summary>
    public int Bins { get; }

    /// <summary>The number of classes, the background counted.</summary>
    public int Classes => scores.OutputC;

    /// <summary>Runs it.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="roiFeatures">[R, bins, bins, d].</param>
    public BoxVariables Run(Tape tape, Variable roiFeatures)
    {
        var x = stage is null ? roiFeatures : stage.Run(tape, roiFeatures);
        foreach (var layer in convolutions)
            x = Next(x, tape.Convolution(x, layer, Activation.Relu));
        foreach (var layer in hidden)
            x = Next(x, tape.Linear(x, layer, Activation.Relu));
        var output = new BoxVariables(tape.Linear(x, scores, Activation.None), tape.Linear(x, deltas, Activation.None));
        x.Dispose();
        return output;

        Variable Next(Variable before, Variable after)
        {
            if (before != roiFeatures)
                before.Dispose();
            return after;
        }
    }

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

    private static (TrainableLinear Scores, TrainableLinear Deltas) ReadPredictors(
        ParameterSet parameters, string name, int features, LayerTraining training)
    {
        var scores = TrainableLinear.Read(parameters, name + ".box_predictor.cls_score", features, 1, training);
        var deltas = TrainableLinear.Read(parameters, name + ".box_predictor.bbox_pred", features, 1, training);
        return deltas.OutputC == 4 * scores.OutputC || deltas.OutputC == 4 * (scores.OutputC - 1)
            ? (scores, deltas)
            : throw parameters.Source.Error(
                $"the tensor '{name}.box_predictor.bbox_pred.weight' has {deltas.OutputC} outputs where {scores.OutputC} classes need "
                + $"{4 * scores.OutputC}.");
    }
}

/// <summary>What the box head says of every RoI, on a tape.</summary>
/// <param name="Logits">[R, 1, 1, classes].</param>
/// <param name="Deltas">[R, 1, 1, 4 · classes], or 4 · (classes − 1) where the background comes last and has none.</param>
internal sealed record BoxVariables(Variable Logits, Variable Deltas);
