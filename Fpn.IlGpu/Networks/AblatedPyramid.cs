using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// <see cref="FeaturePyramid"/> with one part removed, for the paper's ablation of each part (tables 1 and 2):
/// <code>
/// Ml = laterall(Cl) + upsample(Ml+1)     c   the complete pyramid
/// Ml = laterall(Cl)                      d   no top-down pathway: fine levels have weak semantics
/// Ml = upsample(Ml+1)                    e   no lateral connections: fine levels have imprecise locations
/// P2 = smooth2(M2) alone                 f   one level: it has anchors of all sizes, and all RoIs are read from it
/// </code>
/// </summary>
internal sealed class AblatedPyramid : IPyramid
{
    private readonly string kind;
    private readonly ConvolutionLayer?[] laterals;
    private readonly ConvolutionLayer?[] smooths;

    /// <summary>Defines a pyramid, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.fpn</c>.</param>
    /// <param name="layout">The sizes of its layers; its kind is <c>bottom-up</c>, <c>no-lateral</c> or <c>finest</c>.</param>
    /// <param name="backboneChannels">Channels of the backbone's maps, finest first.</param>
    public AblatedPyramid(LayerSet layers, string name, PyramidLayout layout, IReadOnlyList<int> backboneChannels)
    {
        kind = layout.Kind;
        Channels = layout.Channels;
        var count = backboneChannels.Count;
        (laterals, smooths) = (new ConvolutionLayer?[count], new ConvolutionLayer?[count]);
        for (var i = 0; i < count; i++)
        {
            // The top level always has a lateral connection, as it has no coarser level to start from.
            if (kind != PyramidKind.NoLateral || i == count - 1)
                laterals[i] = Layer($"{name}.inner_blocks.{i}", backboneChannels[i], ConvolutionWindow.Square());
            // Only levels that are used have a smoothing convolution.
            if (!IsFinestOnly || i == 0)
                smooths[i] = Layer($"{name}.layer_blocks.{i}", Channels, ConvolutionWindow.Square(padding: 1));
        }

        ConvolutionLayer Layer(string own, int inputC, ConvolutionWindow window) => new(
            layers, own + ".0", inputC, Channels, window, Activation.None, layout.HasNorms ? own + ".1" : null,
            initial: Initial.KaimingUniform);
    }

    /// <inheritdoc/>
    public string Description => kind switch
    {
        PyramidKind.BottomUp => $"{Levels} levels of {Channels} channels, without a top-down pathway",
        PyramidKind.NoLateral => $"{Levels} levels of {Channels} channels, without lateral connections",
        _ => $"the finest level of {laterals.Length}, of {Channels} channels",
    };

    /// <inheritdoc/>
    public int Channels { get; }

    /// <inheritdoc/>
    public int Levels => IsFinestOnly ? 1 : laterals.Length + 1;

    /// <inheritdoc/>
    public int MergedLevels => IsFinestOnly ? 1 : laterals.Length;

    private bool IsFinestOnly => kind == PyramidKind.Finest;

    /// <inheritdoc/>
    public FeatureMaps Run(Tape tape, Levels<Variable> bottomUp)
    {
        var (finest, top) = (bottomUp.Finest, bottomUp.Coarsest);
        var shapes = bottomUp.Take(MergedLevels).Select(map => map.Shape with { C = Channels }).ToList();
        if (!IsFinestOnly)
            shapes.Add(MaxPool.OutputShape(shapes[^1], kernel: 1, stride: 2, padding: 0));
        var pyramid = tape.NewMaps(finest, shapes);

        var merged = Merge(tape, laterals[^1], bottomUp[top], coarser: null);
        bottomUp[top].Dispose();
        for (var l = top - 1; l >= finest; l--)
        {
            var finer = Merge(tape, laterals[l - finest], bottomUp[l], merged);
            bottomUp[l].Dispose();
            Finish(l + 1, merged);
            merged = finer;
        }
        Finish(finest, merged);
        if (!IsFinestOnly)
            pyramid[top + 1] = tape.MaxPool(pyramid[top], kernel: 1, stride: 2, padding: 0, pyramid.Memory(top + 1));
        return pyramid;

        void Finish(int l, Variable mergedMap)
        {
            if (smooths[l - finest] is { } smooth)
                pyramid[l] = smooth.Run(tape, mergedMap, residual: null, into: pyramid.Memory(l));
            mergedMap.Dispose();
        }
    }

    private Variable Merge(Tape tape, ConvolutionLayer? lateral, Variable map, Variable? coarser)
    {
        if (coarser is null || kind == PyramidKind.BottomUp)
            return lateral!.Run(tape, map);
        return lateral is null
            ? tape.Upsample(coarser, map.Shape with { C = Channels })
            : lateral.Run(tape, map, residual: coarser);
    }
}
