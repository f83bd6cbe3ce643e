using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// <see cref="RpnHead"/> on a tape, with the same tensors. If all levels share it, its gradient is the sum of the gradients from all
/// levels.
/// </summary>
internal sealed class TrainableRpnHead : IDisposable
{
    private readonly Layers[] ofLevels;

    /// <summary>Reads the head.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The prefix of its tensors' names: <c>rpn.head</c>.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    /// <param name="levels">The number of levels of the pyramid.</param>
    /// <param name="training">Which parts are trained.</param>
    /// <exception cref="WeightsException">
    /// A tensor is missing, scores and deltas have different numbers of anchors, or the file has a different number of heads than levels.
    /// </exception>
    public TrainableRpnHead(ParameterSet parameters, string name, int channels, int levels, LayerTraining training)
    {
        var names = RpnHead.Names(parameters.Source, name);
        if (names.Count > 1 && names.Count != levels)
            throw parameters.Source.Error($"'{name}' has heads for {names.Count} levels, but the pyramid has {levels}.");
        ofLevels = [.. names.Select(own => Layers.Read(parameters, own, channels, training))];
    }

    /// <summary>The number of anchors per location, A.</summary>
    public int AnchorsPerLocation => ofLevels[0].Objectness.OutputC;

    /// <summary>Runs the head on every level.</summary>
    /// <param name="tape">The tape to record on.</param>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, d].</param>
    public RpnVariables Run(Tape tape, VariableMaps pyramid)
    {
        var features = pyramid.Levels.Select((level, l) => Of(l).Features(tape, level)).ToList();
        var output = new RpnVariables(
            tape.Maps([.. features.Select((f, l) => Of(l).Objectness.OutputShape(f.Shape))], (l, into) => Predict(l, Of(l).Objectness, into)),
            tape.Maps([.. features.Select((f, l) => Of(l).Deltas.OutputShape(f.Shape))], (l, into) => Predict(l, Of(l).Deltas, into)));
        foreach (var feature in features)
            feature.Dispose();
        return output;

        Variable Predict(int l, TrainableConvolution layer, Tensor into)
            => tape.Convolution(features[l], layer, Activation.None, into: into);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layers in ofLevels)
            layers.Dispose();
    }

    private Layers Of(int level) => ofLevels[ofLevels.Length == 1 ? 0 : level];

    private sealed record Layers(TrainableConvolution[] Hidden, TrainableConvolution Objectness, TrainableConvolution Deltas) : IDisposable
    {
        public static Layers Read(ParameterSet parameters, string name, int channels, LayerTraining training)
        {
            var hidden = new TrainableConvolution[Math.Max(1, parameters.Source.Count(name + ".conv."))];
            for (var i = 0; i < hidden.Length; i++)
            {
                hidden[i] = TrainableConvolution.ReadNormalised(
                    parameters, $"{name}.conv.{i}", channels, ConvolutionWindow.Square(padding: 1), training);
                channels = hidden[i].OutputC;
            }
            var objectness = TrainableConvolution.Read(
                parameters, name + ".cls_logits", channels, ConvolutionWindow.Square(), null, training);
            var deltas = TrainableConvolution.Read(parameters, name + ".bbox_pred", channels, ConvolutionWindow.Square(), null, training);
            return deltas.OutputC == 4 * objectness.OutputC
                ? new Layers(hidden, objectness, deltas)
                : throw parameters.Source.Error(
                    $"the tensor '{name}.bbox_pred.weight' has {deltas.OutputC} outputs where {objectness.OutputC} anchors need "
                    + $"{4 * objectness.OutputC}.");
        }

        public Variable Features(Tape tape, Variable level)
        {
            var x = level;
            foreach (var layer in Hidden)
            {
                var next = tape.Convolution(x, layer, Activation.Relu);
                if (x != level)
                    x.Dispose();
                x = next;
            }
            return x;
        }

        public void Dispose()
        {
            foreach (var layer in Hidden)
                layer.Dispose();
            Objectness.Dispose();
            Deltas.Dispose();
        }
    }
}

/// <summary>The RPN's predictions for every anchor, on a tape.</summary>
/// <param name="Objectness">The objectness logits of each level, [N, Hl, Wl, A].</param>
/// <param name="Deltas">The deltas of each level, [N, Hl, Wl, 4 · A].</param>
internal sealed record RpnVariables(VariableMaps Objectness, VariableMaps Deltas)
{
    /// <summary>The values without gradients, to select proposals from; owned by the tape.</summary>
    public RpnOutput Values => new(Objectness.Values, Deltas.Values);
}
