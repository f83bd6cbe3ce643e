using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// MobileNetV3-Large (Howard et al., Searching for MobileNetV3, table 1) as a bottom-up pathway, with torchvision's
/// numbering: layer 0 is the 3×3 stem of stride 2, layers 1 to 15 are inverted residual blocks, layer 16 a 1×1
/// convolution. The weights determine widths, kernels, expansion and squeeze-and-excitation; they do not show strides and
/// activations, which are the paper's. The maps are those that torchvision takes for its pyramid: the outputs of layers
/// 0, 2, 4, 7, 13, 16 at strides 2, 4, 8, 16, 32, 32. The pyramid usually uses the last two.
/// </summary>
internal sealed class MobileNetV3 : IBackbone
{
    private const int LastLayer = 16;

    // The blocks that halve the size, and the first block with hard-swish instead of ReLU.
    private static readonly int[] Halving = [2, 4, 7, 13];
    private const int FirstHardSwish = 7;

    private static readonly int[] MapLayers = [0, 2, 4, 7, 13, LastLayer];

    private readonly ConvolutionLayer stem;
    private readonly InvertedResidual[] blocks;
    private readonly ConvolutionLayer last;
    private readonly int[] maps;

    private MobileNetV3(ConvolutionLayer stem, InvertedResidual[] blocks, ConvolutionLayer last, int mapCount)
    {
        this.stem = stem;
        this.blocks = blocks;
        this.last = last;
        maps = MapLayers[^mapCount..];
        Channels = [.. maps.Select(layer =>
            layer == 0 ? stem.OutputChannels : layer == LastLayer ? last.OutputChannels : blocks[layer - 1].OutputChannels)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> Channels { get; }

    /// <inheritdoc/>
    public string Description => "MobileNetV3-Large";

    /// <summary>Whether a backbone's tensors are named like a MobileNetV3's.</summary>
    public static bool IsNamedLike(WeightReader weights, string name) => weights.HasAny(name + ".0.") && weights.HasAny(name + ".1.block.");

    /// <summary>Reads a MobileNetV3-Large from a model file.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.body</c>.</param>
    /// <param name="mapCount">The number of maps to return, counted from the coarsest.</param>
    /// <exception cref="WeightsException">A tensor is missing, or the network is not a MobileNetV3-Large.</exception>
    public static MobileNetV3 Read(Device device, WeightReader weights, string name, int mapCount)
    {
        var layers = weights.Count(name + ".");
        if (layers != LastLayer + 1)
        {
            throw weights.Error(
                $"'{name}' has {layers} layers, but MobileNetV3-Large has {LastLayer + 1}; no other MobileNet is supported.");
        }
        if (mapCount > MapLayers.Length)
            throw weights.Error($"its pyramid needs {mapCount} maps, but '{name}' has {MapLayers.Length}.");
        var stem = weights.Normalised(name + ".0", 3, ConvolutionWindow.Square(stride: 2, padding: 1), Activation.HardSwish);
        var channels = stem.OutputChannels;
        var blocks = new InvertedResidual[LastLayer - 1];
        for (var b = 0; b < blocks.Length; b++)
        {
            var layer = b + 1;
            var activation = layer >= FirstHardSwish ? Activation.HardSwish : Activation.Relu;
            blocks[b] = InvertedResidual.Read(
                device, weights, $"{name}.{layer}.block", channels, Halving.Contains(layer) ? 2 : 1, activation);
            channels = blocks[b].OutputChannels;
        }
        var last = weights.Normalised($"{name}.{LastLayer}", channels, ConvolutionWindow.Square(), Activation.HardSwish);
        return new MobileNetV3(stem, blocks, last, mapCount);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Run(Tensor input)
    {
        var output = new List<Tensor>();
        var x = stem.Run(input);
        Keep(0);
        for (var b = 0; b < blocks.Length; b++)
            Advance(b + 1, blocks[b].Run(x));
        Advance(LastLayer, last.Run(x));
        return output;

        void Advance(int layer, Tensor next)
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

    /// <inheritdoc/>
    public void Dispose()
    {
        stem.Dispose();
        foreach (var block in blocks)
            block.Dispose();
        last.Dispose();
    }
}
