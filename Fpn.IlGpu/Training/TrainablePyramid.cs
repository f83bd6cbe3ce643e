using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Training;

/// <summary>
/// <see cref="Networks.FeaturePyramid"/> on a tape, with the same tensors (paper, section 3):
/// <code>
/// Ml = laterall(Cl) + upsample(Ml+1),   Pl = smoothl(Ml),   P6 = P5 subsampled by 2
/// </code>
/// </summary>
internal sealed class TrainablePyramid : IDisposable
{
    private readonly TrainableConvolution[] laterals;
    private readonly TrainableConvolution[] smooths;

    /// <summary>Reads one.</summary>
    /// <param name="parameters">Which its tensors become a part of.</param>
    /// <param name="name">What their names begin with: <c>backbone.fpn</c>.</param>
    /// <param name="backboneChannels">Channels of the backbone's maps, finest first.</param>
    /// <param name="training">What of it is trained.</param>
    public TrainablePyramid(ParameterSet parameters, string name, IReadOnlyList<int> backboneChannels, LayerTraining training)
    {
        laterals = [.. backboneChannels.Select((channels, l) => TrainableConvolution.ReadNormalised(
            parameters, $"{name}.inner_blocks.{l}", channels, ConvolutionWindow.Square(), training))];
        smooths = [.. laterals.Select((lateral, l) => TrainableConvolution.ReadNormalised(
            parameters, $"{name}.layer_blocks.{l}", lateral.OutputC, ConvolutionWindow.Square(padding: 1), training))];
        if (parameters.Source.HasAny(name + ".extra_blocks."))
            throw parameters.Source.Error("a pyramid whose top levels are convolutions, as RetinaNet's, is not trained here.");
    }

    /// <summary>d, the channels of every level.</summary>
    public int Channels => smooths[0].OutputC;

    /// <summary>The number of levels that stand on a map of the backbone: those that RoIs are read from.</summary>
    public int MergedLevels => laterals.Length;

    /// <summary>Builds P2 to P6 from C2 to C5, which it disposes as it goes.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="bottomUp">[N, Hl, Wl, Cl], finest first.</param>
    /// <returns>[N, Hl, Wl, d], finest first, and the level above.</returns>
    public VariableMaps Run(Tape tape, IReadOnlyList<Variable> bottomUp)
    {
        var merged = new Variable[bottomUp.Count];
        for (var l = bottomUp.Count - 1; l >= 0; l--)
        {
            merged[l] = tape.Convolution(
                bottomUp[l], laterals[l], Activation.None, residual: l + 1 < bottomUp.Count ? merged[l + 1] : null);
            bottomUp[l].Dispose();
        }
        var shapes = bottomUp.Select(map => map.Shape with { C = Channels }).ToList();
        shapes.Add(MaxPool.OutputShape(shapes[^1], kernel: 1, stride: 2, padding: 0));
        Variable? top = null;
        return tape.Maps(shapes, (l, into) =>
        {
            if (l == merged.Length)
                return tape.MaxPool(top!, kernel: 1, stride: 2, padding: 0, into);
            top = tape.Convolution(merged[l], smooths[l], Activation.None, into: into);
            merged[l].Dispose();
            return top;
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in laterals.Concat(smooths))
            layer.Dispose();
    }
}
