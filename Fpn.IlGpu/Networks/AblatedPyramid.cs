using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
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
    private readonly Device device;
    private readonly string kind;
    private readonly ConvolutionLayer?[] laterals;
    private readonly ConvolutionLayer?[] smooths;

    private AblatedPyramid(Device device, string kind, ConvolutionLayer?[] laterals, ConvolutionLayer?[] smooths)
    {
        this.device = device;
        this.kind = kind;
        this.laterals = laterals;
        this.smooths = smooths;
    }

    /// <inheritdoc/>
    public string Description => kind switch
    {
        PyramidKind.BottomUp => $"{Levels} levels of {Channels} channels, without a top-down pathway",
        PyramidKind.NoLateral => $"{Levels} levels of {Channels} channels, without lateral connections",
        _ => $"the finest level of {laterals.Length}, of {Channels} channels",
    };

    /// <inheritdoc/>
    public int Channels => laterals[^1]!.OutputChannels;

    /// <inheritdoc/>
    public int Levels => IsFinestOnly ? 1 : laterals.Length + 1;

    /// <inheritdoc/>
    public int MergedLevels => IsFinestOnly ? 1 : laterals.Length;

    private bool IsFinestOnly => kind == PyramidKind.Finest;

    /// <summary>Whether a level has a lateral connection. The top level always has one, as it has no coarser level to start from.</summary>
    public static bool HasLateral(string kind, int level, int count) => kind != PyramidKind.NoLateral || level == count - 1;

    /// <summary>Whether a level has a smoothing convolution; only levels that are used have one.</summary>
    public static bool HasSmooth(string kind, int level) => kind != PyramidKind.Finest || level == 0;

    /// <summary>Reads a pyramid from a model file.</summary>
    /// <param name="kind">One of <see cref="PyramidKind"/>: <c>bottom-up</c>, <c>no-lateral</c>, <c>finest</c>.</param>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.fpn</c>.</param>
    /// <param name="backboneChannels">Channels of the backbone's maps, finest first.</param>
    public static AblatedPyramid Read(
        string kind, Device device, WeightReader weights, string name, IReadOnlyList<int> backboneChannels)
    {
        var count = backboneChannels.Count;
        var channels = weights.Size($"{name}.inner_blocks.{count - 1}.0.weight", 0, 4);
        return new AblatedPyramid(
            device, kind,
            [.. backboneChannels.Select((c, l) => !HasLateral(kind, l, count) ? null : weights.Normalised(
                $"{name}.inner_blocks.{l}", c, ConvolutionWindow.Square(), Activation.None, channels))],
            [.. backboneChannels.Select((_, l) => !HasSmooth(kind, l) ? null : weights.Normalised(
                $"{name}.layer_blocks.{l}", channels, ConvolutionWindow.Square(padding: 1), Activation.None, channels))]);
    }

    /// <inheritdoc/>
    public FeatureMaps Run(IReadOnlyList<Tensor> bottomUp)
    {
        var top = bottomUp.Count - 1;
        var shapes = bottomUp.Take(MergedLevels).Select(map => map.Shape with { C = Channels }).ToList();
        if (!IsFinestOnly)
            shapes.Add(MaxPool.OutputShape(shapes[^1], kernel: 1, stride: 2, padding: 0));
        var pyramid = new FeatureMaps(device, shapes);

        Tensor? coarser = null;
        for (var l = top; l >= 0; l--)
        {
            var merged = Merge(l, bottomUp[l], coarser);
            coarser?.Dispose();
            bottomUp[l].Dispose();
            smooths[l]?.Run(merged, null, pyramid[l]);
            coarser = merged;
        }
        coarser!.Dispose();
        if (!IsFinestOnly)
            MaxPool.Run(device, pyramid[top], kernel: 1, stride: 2, padding: 0, pyramid[top + 1]);
        return pyramid;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in laterals.Concat(smooths))
            layer?.Dispose();
    }

    private Tensor Merge(int level, Tensor map, Tensor? coarser)
    {
        if (coarser is null || kind == PyramidKind.BottomUp)
            return laterals[level]!.Run(map);
        if (laterals[level] is { } lateral)
            return lateral.RunAndMerge(map, coarser);
        var upsampled = Tensor.Rent(device, map.Shape with { C = Channels });
        UpsampleMerge.Upsample(device, coarser, upsampled);
        return upsampled;
    }
}
