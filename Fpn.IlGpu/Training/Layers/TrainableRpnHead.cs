using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// <see cref="RpnHead"/> on a tape, with the same tensors. If it is the same on every level, its gradient is the sum of those from
/// all levels.
/// </summary>
internal sealed class TrainableRpnHead : IDisposable
{
    private readonly Layers[] ofLevels;

    /// <summary>Reads one.</summary>
    /// <param name="parameters">Which its tensors become a part of.</param>
    /// <param name="name">What their names begin with: <c>rpn.head</c>.</param>
    /// <param name="channels">d.</param>
    /// <param name="levels">Of the pyramid.</param>
    /// <param name="training">What of it is trained.</param>
    /// <exception cref="WeightsException">Something is missing, or scores and deltas are for different numbers of anchors.</exception>
    public TrainableRpnHead(ParameterSet parameters, string name, int channels, int levels, LayerTraining training)
    {
        var names = RpnHead.Names(parameters.Source, name);
        if (names.Count > 1 && names.Count != levels)
            throw parameters.Source.Error($"'{name}' has heads for {names.Count} levels, but the pyramid has {levels}.");
        ofLevels = [.. names.Select(own => Layers.Read(parameters, own, channels, training))];
    }

    /// <summary>A.</summary>
    public int AnchorsPerLocation => ofLevels[0].Objectness.OutputC;

    /// <summary>Runs it on every level.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="pyramid">[N, Hl, Wl, d].</param>
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

/// <summary>What the RPN says of every anchor, on a tape.</summary>
/// <param name="Objectness">Logits [N, Hl, Wl, A] of each level.</param>
/// <param name="Deltas">[N, Hl, Wl, 4 · A] of each level.</param>
internal sealed record RpnVariables(VariableMaps Objectness, VariableMaps Deltas)
{
    /// <summary>The values, from which proposals are made; they stay the tape's.</summary>
    public RpnOutput Values => new(Objectness.Values, Deltas.Values);
}
