using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The Feature Pyramid (paper, section 3): every level has the strong semantics of the top map at its own resolution.
/// <code>
/// M5 = lateral5(C5)
/// Ml = laterall(Cl) + upsample(Ml+1)        top-down, l = 4, 3, 2
/// Pl = smoothl(Ml)                          3×3, reduces the aliasing of upsampling
/// P6 = P5 subsampled by 2                   for the RPN only (section 4.1)
/// </code>
/// Laterals are 1×1 convolutions to d channels; their epilogue upsamples the coarser map and adds it. None of these layers has a
/// non-linearity. Some models have a batch norm after each convolution, and RetinaNet has other <see cref="ExtraLevels"/>.
/// </summary>
internal sealed class FeaturePyramid : IPyramid
{
    private readonly ConvolutionLayer[] laterals;
    private readonly ConvolutionLayer[] smooths;
    private readonly ExtraLevels extra;

    /// <summary>Defines a pyramid, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.fpn</c>.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="backboneChannels">Channels of the backbone's maps, finest first.</param>
    public FeaturePyramid(LayerSet layers, string name, PyramidLayout layout, IReadOnlyList<int> backboneChannels)
    {
        Channels = layout.Channels;
        (laterals, smooths) = (new ConvolutionLayer[backboneChannels.Count], new ConvolutionLayer[backboneChannels.Count]);
        for (var i = 0; i < laterals.Length; i++)
        {
            laterals[i] = Layer($"{name}.inner_blocks.{i}", backboneChannels[i], ConvolutionWindow.Square());
            smooths[i] = Layer($"{name}.layer_blocks.{i}", Channels, ConvolutionWindow.Square(padding: 1));
        }
        extra = new ExtraLevels(layers, name + ".extra_blocks", layout.Extra, backboneChannels[^1], Channels);

        ConvolutionLayer Layer(string own, int inputC, ConvolutionWindow window) => new(
            layers, own + ".0", inputC, Channels, window, Activation.None, layout.HasNorms ? own + ".1" : null,
            initial: Initial.KaimingUniform);
    }

    /// <inheritdoc/>
    public string Description => $"{Levels} levels of {Channels} channels, {extra.Description}";

    /// <inheritdoc/>
    public int Channels { get; }

    /// <summary>The number of levels, including those above the top map.</summary>
    public int Levels => laterals.Length + extra.Count;

    /// <inheritdoc/>
    public int MergedLevels => laterals.Length;

    /// <summary>Builds P2 to P6 from C2 to C5, and disposes each map after its last use.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="bottomUp">The backbone's maps C2 to C5, [N, Hl, Wl, Cl].</param>
    /// <returns>The levels P2 to P6, [N, Hl, Wl, d]; the caller disposes them.</returns>
    public FeatureMaps Run(Tape tape, Levels<Variable> bottomUp)
    {
        var (lateral, smooth) = (new Levels<ConvolutionLayer>(bottomUp.Finest, laterals), new Levels<ConvolutionLayer>(bottomUp.Finest, smooths));
        var top = bottomUp.Coarsest;
        var pyramid = tape.NewMaps(bottomUp.Finest, OutputShapes(bottomUp));

        var merged = lateral[top].Run(tape, bottomUp[top]);
        for (var l = top - 1; l >= bottomUp.Finest; l--)
        {
            var finer = lateral[l].Run(tape, bottomUp[l], residual: merged);
            bottomUp[l].Dispose();
            Finish(l + 1, merged);
            merged = finer;
        }
        Finish(bottomUp.Finest, merged);
        return pyramid;

        void Finish(int l, Variable mergedMap)
        {
            pyramid[l] = smooth[l].Run(tape, mergedMap, residual: null, into: pyramid.Memory(l));
            mergedMap.Dispose();
            if (l != top)
                return;
            extra.Run(tape, bottomUp[top], pyramid, top);
            bottomUp[top].Dispose();
        }
    }

    /// <summary>
    /// Computes the summands of each merge apart, for readers: <see cref="Run"/> adds the upsampled map within the lateral convolution.
    /// </summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="bottomUp">The backbone's maps C2 to C5, [N, Hl, Wl, Cl]; the caller keeps them.</param>
    /// <returns>The merges of levels 2 to 5; the caller disposes them.</returns>
    public Levels<PyramidMerge> Merges(Tape tape, Levels<Variable> bottomUp)
    {
        var merges = new PyramidMerge[laterals.Length];
        for (var i = merges.Length - 1; i >= 0; i--)
        {
            var map = bottomUp[bottomUp.Finest + i];
            var lateral = laterals[i].Run(tape, map);
            if (i == merges.Length - 1)
            {
                merges[i] = new PyramidMerge(lateral, Upsampled: null, lateral);
                continue;
            }
            var coarser = merges[i + 1].Merged;
            merges[i] = new PyramidMerge(lateral, tape.Upsample(coarser, lateral.Shape), laterals[i].Run(tape, map, residual: coarser));
        }
        return new Levels<PyramidMerge>(bottomUp.Finest, merges);
    }

    /// <summary>
    /// Computes the levels without a part of the pathway, for readers; the layers were trained with all parts:
    /// <code>
    /// Pl = smoothl(laterall(Cl))               without the top-down pathway
    /// Pl = smoothl(upsample(… lateral5(C5)))   without the lateral connections, except at the top
    /// </code>
    /// </summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="merges">The merges of all levels.</param>
    /// <returns>The levels that correspond to a map of the backbone; the caller disposes them.</returns>
    public Levels<(Variable WithoutTopDown, Variable WithoutLateral)> Parts(Tape tape, Levels<PyramidMerge> merges)
    {
        var parts = new (Variable, Variable)[smooths.Length];
        Variable? repeated = null;
        for (var i = parts.Length - 1; i >= 0; i--)
        {
            var lateral = merges[merges.Finest + i].Lateral;
            var next = repeated is null ? tape.Upsample(lateral, lateral.Shape) : tape.Upsample(repeated, lateral.Shape);
            repeated?.Dispose();
            repeated = next;
            parts[i] = (smooths[i].Run(tape, lateral), smooths[i].Run(tape, repeated));
        }
        repeated?.Dispose();
        return new Levels<(Variable, Variable)>(merges.Finest, parts);
    }

    private List<Tensors.Shape> OutputShapes(Levels<Variable> bottomUp)
    {
        var shapes = bottomUp.Select(map => map.Shape with { C = Channels }).ToList();
        shapes.AddRange(extra.OutputShapes(bottomUp[bottomUp.Coarsest].Shape, shapes[^1]));
        return shapes;
    }
}

/// <summary>One merge of the top-down pathway.</summary>
/// <param name="Lateral">The lateral connection of the backbone's map, [N, H, W, d].</param>
/// <param name="Upsampled">The coarser merged map at this level's size, [N, H, W, d]; null at the top.</param>
/// <param name="Merged">Their sum, [N, H, W, d].</param>
internal sealed record PyramidMerge(Variable Lateral, Variable? Upsampled, Variable Merged) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Lateral.Dispose();
        Upsampled?.Dispose();
        Merged.Dispose();
    }
}
