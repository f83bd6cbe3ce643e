using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// <see cref="BoxHead"/> on a tape, with the same tensors: optional convolutions, then fully connected layers with ReLU, or a
/// <see cref="TrainableStageHead"/> instead of both; then a logit and four deltas for each class.
/// </summary>
internal sealed class TrainableBoxHead : IDisposable
{
    private readonly TrainableStageHead? stage;
    private readonly TrainableConvolution[] convolutions;
    private readonly TrainableLinear[] hidden;
    private readonly TrainableLinear scores;
    private readonly TrainableLinear deltas;

    /// <summary>Reads the head.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The prefix of its tensors' names: <c>roi_heads</c>.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    /// <param name="strideInFirst">For a fifth stage, whether a bottleneck's stride is in its first 1×1.</param>
    /// <param name="training">Which parts are trained.</param>
    /// <exception cref="WeightsException">A tensor is missing, or the shapes are inconsistent.</exception>
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
        // The last two layers of the sequence are a flattening one without weights and a fully connected one.
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

    /// <summary>The side of a RoI's features in bins: usually 7; <see cref="StageHead.Bins"/> with a stage.</summary>
    public int Bins { get; }

    /// <summary>The number of classes, including the background.</summary>
    public int Classes => scores.OutputC;

    /// <summary>Runs the head.</summary>
    /// <param name="tape">The tape to record on.</param>
    /// <param name="roiFeatures">The RoI features, [R, bins, bins, d].</param>
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

/// <summary>The box head's predictions for every RoI, on a tape.</summary>
/// <param name="Logits">The logits, [R, 1, 1, classes].</param>
/// <param name="Deltas">
/// The deltas, [R, 1, 1, 4 · classes], or [R, 1, 1, 4 · (classes − 1)] if the background comes last and has none.
/// </param>
internal sealed record BoxVariables(Variable Logits, Variable Deltas);
