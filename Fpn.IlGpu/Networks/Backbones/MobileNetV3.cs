using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// MobileNetV3-Large (Howard et al., Searching for MobileNetV3, table 1) as a bottom-up pathway, with torchvision's
/// numbering: layer 0 is the 3×3 stem of stride 2, layers 1 to 15 are inverted residual blocks, layer 16 a 1×1
/// convolution. The maps are those that torchvision takes for its pyramid: the outputs of layers 0, 2, 4, 7, 13, 16 at strides
/// 2, 4, 8, 16, 32, 32. The pyramid usually uses the last two.
/// </summary>
internal sealed class MobileNetV3 : IBackbone
{
    /// <summary>The number of the last layer.</summary>
    public const int LastLayer = 16;

    // The blocks that halve the size, and the first block with hard-swish instead of ReLU.
    private static readonly int[] Halving = [2, 4, 7, 13];
    private const int FirstHardSwish = 7;

    private static readonly int[] MapLayers = [0, 2, 4, 7, 13, LastLayer];
    private static readonly int[] MapStridesLog2 = [1, 2, 3, 4, 5, 5];

    private readonly ConvolutionLayer stem;
    private readonly InvertedResidual[] blocks;
    private readonly ConvolutionLayer last;
    private readonly int[] maps;

    /// <summary>Defines a MobileNetV3-Large, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.body</c>.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="mapCount">The number of maps to return, counted from the coarsest.</param>
    public MobileNetV3(LayerSet layers, string name, MobileNetV3Layout layout, int mapCount)
    {
        stem = new ConvolutionLayer(
            layers, name + ".0.0", 3, layout.StemC, ConvolutionWindow.Square(stride: 2, padding: 1), Activation.HardSwish, name + ".0.1");
        var channels = layout.StemC;
        blocks = [.. layout.Blocks.Select((block, b) =>
        {
            var (layer, inputC) = (b + 1, channels);
            channels = block.OutputC;
            var activation = layer >= FirstHardSwish ? Activation.HardSwish : Activation.Relu;
            return new InvertedResidual(
                layers, $"{name}.{layer}.block", inputC, block, Halving.Contains(layer) ? 2 : 1,
                new InvertedResidualStyle(activation, Activation.Relu, Activation.HardSigmoid));
        })];
        last = new ConvolutionLayer(
            layers, $"{name}.{LastLayer}.0", channels, layout.LastC, ConvolutionWindow.Square(), Activation.HardSwish,
            $"{name}.{LastLayer}.1");
        maps = MapLayers[^mapCount..];
        FinestLevel = MapStridesLog2[^mapCount];
        Channels = [.. maps.Select(layer =>
            layer == 0 ? layout.StemC : layer == LastLayer ? layout.LastC : layout.Blocks[layer - 1].OutputC)];
        Parts = [.. Enumerable.Range(0, LastLayer + 1).Select(layer => $"{name}.{layer}.")];
    }

    /// <summary>The number of maps that it can compute.</summary>
    public static int MostMaps => MapLayers.Length;

    /// <inheritdoc/>
    public int FinestLevel { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Channels { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Parts { get; }

    /// <inheritdoc/>
    public string Description => "MobileNetV3-Large";

    /// <summary>Whether a backbone's tensors are named like a MobileNetV3's.</summary>
    public static bool IsNamedLike(WeightReader weights, string name) => weights.HasAny(name + ".0.") && weights.HasAny(name + ".1.block.");

    /// <inheritdoc/>
    public Levels<Variable> Run(Tape tape, Variable input)
    {
        var output = new List<Variable>();
        var x = stem.Run(tape, input);
        Keep(0);
        foreach (var (b, block) in blocks.Index())
            Advance(b + 1, block.Run(tape, x));
        Advance(LastLayer, last.Run(tape, x));
        return new Levels<Variable>(FinestLevel, output);

        void Advance(int layer, Variable next)
        {
            if (!output.Contains(x))
                x.Dispose();
            x = next;
            Keep(layer);
        }
        void Keep(int layer)
        {
            if (maps.Contains(layer))
                output.Add(x);
        }
    }
}
