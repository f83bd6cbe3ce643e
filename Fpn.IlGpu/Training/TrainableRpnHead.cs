using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// <see cref="Networks.RpnHead"/> on a tape, with the same tensors. It is the same on every level: its gradient is the sum of
/// those from all levels.
/// </summary>
internal sealed class TrainableRpnHead : IDisposable
{
    private readonly TrainableConvolution[] hidden;
    private readonly TrainableConvolution objectness;
    private readonly TrainableConvolution deltas;

    /// <summary>Reads one.</summary>
    /// <param name="parameters">Which its tensors become a part of.</param>
    /// <param name="name">What their names begin with: <c>rpn.head</c>.</param>
    /// <param name="channels">d.</param>
    /// <param name="training">What of it is trained.</param>
    /// <exception cref="WeightsException">Something is missing, or scores and deltas are for different numbers of anchors.</exception>
    public TrainableRpnHead(ParameterSet parameters, string name, int channels, LayerTraining training)
    {
        hidden = new TrainableConvolution[Math.Max(1, parameters.Source.Count(name + ".conv."))];
        for (var i = 0; i < hidden.Length; i++)
        {
            hidden[i] = TrainableConvolution.ReadNormalised(
                parameters, $"{name}.conv.{i}", channels, ConvolutionWindow.Square(padding: 1), training);
            channels = hidden[i].OutputC;
        }
        objectness = TrainableConvolution.Read(parameters, name + ".cls_logits", channels, ConvolutionWindow.Square(), null, training);
        deltas = TrainableConvolution.Read(parameters, name + ".bbox_pred", channels, ConvolutionWindow.Square(), null, training);
        if (deltas.OutputC != 4 * objectness.OutputC)
        {
            throw parameters.Source.Error(
                $"the tensor '{name}.bbox_pred.weight' has {deltas.OutputC} outputs where {objectness.OutputC} anchors need "
                + $"{4 * objectness.OutputC}.");
        }
    }

    /// <summary>A.</summary>
    public int AnchorsPerLocation => objectness.OutputC;

    /// <summary>Runs it on every level.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="pyramid">[N, Hl, Wl, d].</param>
    public RpnVariables Run(Tape tape, VariableMaps pyramid)
    {
        var features = pyramid.Levels.Select(level => Features(tape, level)).ToList();
        var output = new RpnVariables(
            tape.Maps([.. features.Select(f => objectness.OutputShape(f.Shape))], (l, into) => Predict(l, objectness, into)),
            tape.Maps([.. features.Select(f => deltas.OutputShape(f.Shape))], (l, into) => Predict(l, deltas, into)));
        foreach (var feature in features)
            feature.Dispose();
        return output;

        Variable Predict(int l, TrainableConvolution layer, Tensor into)
            => tape.Convolution(features[l], layer, Activation.None, into: into);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in hidden)
            layer.Dispose();
        objectness.Dispose();
        deltas.Dispose();
    }

    private Variable Features(Tape tape, Variable level)
    {
        var x = level;
        foreach (var layer in hidden)
        {
            var next = tape.Convolution(x, layer, Activation.Relu);
            if (x != level)
                x.Dispose();
            x = next;
        }
        return x;
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
