using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// <see cref="FeaturePyramid"/> on a tape, with the same tensors (paper, section 3):
/// <code>
/// Ml = laterall(Cl) + upsample(Ml+1),   Pl = smoothl(Ml),   P6 = P5 subsampled by 2
/// </code>
/// It also covers the alternatives that the paper compares it with, <see cref="AblatedPyramid"/> and <see cref="SingleMap"/>, which
/// omit parts of it.
/// </summary>
internal sealed class TrainablePyramid : IDisposable
{
    private readonly string kind;
    private readonly TrainableConvolution?[] laterals;
    private readonly TrainableConvolution?[] smooths;

    /// <summary>Reads the pyramid.</summary>
    /// <param name="kind">One of <see cref="PyramidKind"/>.</param>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.fpn</c>.</param>
    /// <param name="backboneChannels">Channels of the backbone's maps, finest first.</param>
    /// <param name="training">Which parts are trained.</param>
    public TrainablePyramid(
        string kind, ParameterSet parameters, string name, IReadOnlyList<int> backboneChannels, LayerTraining training)
    {
        this.kind = kind;
        if (parameters.Source.HasAny(name + ".extra_blocks."))
            throw parameters.Source.Error("a pyramid whose top levels are convolutions, such as RetinaNet's, can't be trained.");
        var count = backboneChannels.Count;
        if (kind == PyramidKind.SingleMap)
        {
            (laterals, smooths, Channels) = ([], [], backboneChannels[^1]);
            return;
        }
        laterals = [.. backboneChannels.Select((channels, l) => !AblatedPyramid.HasLateral(kind, l, count) ? null
            : TrainableConvolution.ReadNormalised(
                parameters, $"{name}.inner_blocks.{l}", channels, ConvolutionWindow.Square(), training))];
        Channels = laterals[^1]!.OutputC;
        smooths = [.. laterals.Select((_, l) => !AblatedPyramid.HasSmooth(kind, l) ? null
            : TrainableConvolution.ReadNormalised(
                parameters, $"{name}.layer_blocks.{l}", Channels, ConvolutionWindow.Square(padding: 1), training))];
    }

    /// <summary>The number of channels of every level, d.</summary>
    public int Channels { get; }

    /// <summary>The number of levels.</summary>
    public int Levels => HasTop ? MergedLevels + 1 : MergedLevels;

    /// <summary>The number of levels that correspond to a map of the backbone; RoI features are read from these.</summary>
    public int MergedLevels => HasTop ? laterals.Length : 1;

    /// <summary>Whether there is a level above the backbone's top map.</summary>
    private bool HasTop => kind is not (PyramidKind.Finest or PyramidKind.SingleMap);

    /// <summary>Builds P2 to P6 from C2 to C5, and disposes each map after its last use.</summary>
    /// <param name="tape">The tape to record on.</param>
    /// <param name="bottomUp">The backbone's maps, [N, Hl, Wl, Cl], finest first.</param>
    /// <returns>The levels, [N, Hl, Wl, d], finest first, including the one above the top map.</returns>
    public VariableMaps Run(Tape tape, IReadOnlyList<Variable> bottomUp)
    {
        if (kind == PyramidKind.SingleMap)
        {
            // Max pooling with a window of one px is a copy.
            var copy = tape.Maps(
                [bottomUp[^1].Shape], (_, into) => tape.MaxPool(bottomUp[^1], kernel: 1, stride: 1, padding: 0, into));
            foreach (var map in bottomUp)
                map.Dispose();
            return copy;
        }
        var merged = Merge(tape, bottomUp);
        var shapes = merged.Take(MergedLevels).Select(map => map.Shape).ToList();
        if (HasTop)
            shapes.Add(MaxPool.OutputShape(shapes[^1], kernel: 1, stride: 2, padding: 0));
        Variable? top = null;
        var pyramid = tape.Maps(shapes, (l, into) => top = l < MergedLevels
            ? tape.Convolution(merged[l], smooths[l]!, Activation.None, into: into)
            : tape.MaxPool(top!, kernel: 1, stride: 2, padding: 0, into));
        foreach (var map in merged)
            map.Dispose();
        return pyramid;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in laterals.Concat(smooths))
            layer?.Dispose();
    }

    /// <summary>Computes M2 to M5, the merged maps before smoothing.</summary>
    private Variable[] Merge(Tape tape, IReadOnlyList<Variable> bottomUp)
    {
        var merged = new Variable[bottomUp.Count];
        for (var l = bottomUp.Count - 1; l >= 0; l--)
        {
            var coarser = l + 1 < merged.Length && kind != PyramidKind.BottomUp ? merged[l + 1] : null;
            merged[l] = laterals[l] is { } lateral
                ? tape.Convolution(bottomUp[l], lateral, Activation.None, residual: coarser)
                : tape.Upsample(coarser!, bottomUp[l].Shape with { C = Channels });
            bottomUp[l].Dispose();
        }
        return merged;
    }
}
