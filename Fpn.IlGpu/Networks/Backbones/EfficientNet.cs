using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// EfficientNet (Tan and Le, EfficientNet, table 1) as a bottom-up pathway, with torchvision's numbering: part 0 is the 3×3 stem of
/// stride 2, parts 1 to 7 are stages of inverted residual blocks with SiLU. The maps are the outputs of the last stage at each stride,
/// parts 2, 3, 5 and 7 at strides 4, 8, 16 and 32. The classifier's 1×1 convolution, part 8, is not used. Training drops no blocks at
/// random (stochastic depth).
/// </summary>
internal sealed class EfficientNet : IBackbone
{
    /// <summary>The number of stages of blocks.</summary>
    public const int StageCount = 7;

    private static readonly int[] Strides = [1, 2, 2, 2, 1, 2, 1];
    private static readonly int[] MapParts = [2, 3, 5, 7];
    private static readonly InvertedResidualStyle Style = new(Activation.Silu, Activation.Silu, Activation.Sigmoid);

    private readonly ConvolutionLayer stem;
    private readonly InvertedResidual[][] stages;
    private readonly int[] maps;

    /// <summary>Defines an EfficientNet, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.body</c>.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="mapCount">The number of maps to return, counted from the coarsest: 4 for strides 4 to 32.</param>
    public EfficientNet(LayerSet layers, string name, EfficientNetLayout layout, int mapCount)
    {
        stem = new ConvolutionLayer(
            layers, name + ".0.0", 3, layout.StemC, ConvolutionWindow.Square(stride: 2, padding: 1), Activation.Silu, name + ".0.1");
        var channels = layout.StemC;
        stages = [.. layout.Stages.Select((blocks, s) => blocks.Select((block, b) =>
        {
            var inputC = channels;
            channels = block.OutputC;
            return new InvertedResidual(layers, $"{name}.{s + 1}.{b}.block", inputC, block, b == 0 ? Strides[s] : 1, Style);
        }).ToArray())];
        maps = MapParts[^mapCount..];
        FinestLevel = 2 + MapParts.Length - mapCount;
        Channels = [.. maps.Select(part => layout.Stages[part - 1][^1].OutputC)];
        Parts = [.. Enumerable.Range(0, StageCount + 1).Select(part => $"{name}.{part}.")];
        Description = $"EfficientNet, blocks {string.Join(", ", stages.Select(stage => stage.Length))}";
    }

    /// <summary>The number of maps that it can compute.</summary>
    public static int MostMaps => MapParts.Length;

    /// <inheritdoc/>
    public int FinestLevel { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Channels { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Parts { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <summary>Whether a backbone's tensors are named like an EfficientNet's.</summary>
    public static bool IsNamedLike(WeightReader weights, string name) => weights.HasAny(name + ".1.0.block.");

    /// <inheritdoc/>
    public Levels<Variable> Run(Tape tape, Variable input)
    {
        var output = new List<Variable>();
        var x = stem.Run(tape, input);
        foreach (var (s, blocks) in stages.Index())
        {
            foreach (var block in blocks)
            {
                var next = block.Run(tape, x);
                if (!output.Contains(x))
                    x.Dispose();
                x = next;
            }
            if (maps.Contains(s + 1))
                output.Add(x);
        }
        return new Levels<Variable>(FinestLevel, output);
    }
}

/// <summary>The sizes of an EfficientNet's layers. Strides and activations are always the paper's.</summary>
/// <param name="StemC">Channels of the first convolution.</param>
/// <param name="Stages">The blocks of each of the seven stages.</param>
internal sealed record EfficientNetLayout(int StemC, InvertedResidualLayout[][] Stages) : BackboneLayout
{
    /// <summary>The sizes of EfficientNet-B0.</summary>
    public static EfficientNetLayout B0 { get; } = new(
        32,
        [
            Stage(1, expansion: 1, kernel: 3, inputC: 32, outputC: 16),
            Stage(2, expansion: 6, kernel: 3, inputC: 16, outputC: 24),
            Stage(2, expansion: 6, kernel: 5, inputC: 24, outputC: 40),
            Stage(3, expansion: 6, kernel: 3, inputC: 40, outputC: 80),
            Stage(3, expansion: 6, kernel: 5, inputC: 80, outputC: 112),
            Stage(4, expansion: 6, kernel: 5, inputC: 112, outputC: 192),
            Stage(1, expansion: 6, kernel: 3, inputC: 192, outputC: 320),
        ]);

    /// <inheritdoc/>
    public override int MostMaps => EfficientNet.MostMaps;

    /// <summary>Reads the layout of a model file.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>backbone.body</c>.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing.</exception>
    public static EfficientNetLayout Read(WeightReader weights, string name) => new(
        weights.OutputC(name + ".0.0"),
        [.. Enumerable.Range(1, EfficientNet.StageCount).Select(stage => Enumerable.Range(0, Math.Max(1, weights.Count($"{name}.{stage}.")))
            .Select(b => InvertedResidualLayout.Read(weights, $"{name}.{stage}.{b}.block")).ToArray())]);

    /// <inheritdoc/>
    public override IBackbone Build(LayerSet layers, string name, int mapCount)
        => new EfficientNet(layers, name, this, mapCount);

    /// <summary>A stage's blocks. The squeeze has a quarter of the channels of the block's input.</summary>
    private static InvertedResidualLayout[] Stage(int blocks, int expansion, int kernel, int inputC, int outputC)
        => [.. Enumerable.Range(0, blocks).Select(b =>
        {
            var c = b == 0 ? inputC : outputC;
            return new InvertedResidualLayout(expansion == 1 ? null : expansion * c, kernel, c / 4, outputC);
        })];
}
