using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// ResNet (He et al., Deep Residual Learning, table 1) as a bottom-up pathway: a 7×7 convolution of stride 2, a max pool of
/// stride 2, then stages of residual blocks. The first block of every stage but the first halves the size. Block
/// type, depths, widths and groups are those of its <see cref="ResNetLayout"/>, so wide ResNets and ResNeXts need no special case. The outputs of the stages' last blocks
/// are C2, C3, C4, C5.
/// </summary>
internal sealed class ResNet : IBackbone
{
    private const int StemStrideLog2 = 2;

    private readonly ResNetLayout layout;
    private readonly ConvolutionLayer stem;
    private readonly ResidualBlock[][] stages;
    private readonly int firstMap;

    /// <summary>The receptive field of each map, in input px, finest first.</summary>
    public IEnumerable<int> ReceptiveFieldsPx => layout.ReceptiveFieldsPx().Skip(firstMap);

    /// <summary>Defines a ResNet, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.body</c>.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="mapCount">The number of maps to return, counted from the coarsest: 4 for C2 to C5, 3 for C3 to C5.</param>
    public ResNet(LayerSet layers, string name, ResNetLayout layout, int mapCount)
    {
        this.layout = layout;
        stem = new ConvolutionLayer(
            layers, name + ".conv1", 3, layout.StemC, ConvolutionWindow.Square(stride: 2, padding: 3), Activation.Relu, name + ".bn1");
        var channels = layout.StemC;
        stages = [.. layout.Stages.Select((blocks, s) => blocks.Select((block, b) =>
        {
            var inputC = channels;
            channels = block.OutputC;
            return new ResidualBlock(layers, $"{name}.layer{s + 1}.{b}", inputC, block, stride: s > 0 && b == 0 ? 2 : 1);
        }).ToArray())];
        firstMap = stages.Length - mapCount;
        FinestLevel = StemStrideLog2 + firstMap;
        Channels = [.. layout.Stages.Skip(firstMap).Select(s => s[^1].OutputC)];
        Parts = [name + ".conv1", .. stages.Select((_, s) => $"{name}.layer{s + 1}.")];
    }

    /// <inheritdoc/>
    public int FinestLevel { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Channels { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Parts { get; }

    /// <inheritdoc/>
    public string Description
    {
        get
        {
            var block = layout.Stages[0][0];
            var groups = block.ChannelGroups == 1 ? "" : $" of {block.ChannelGroups} groups";
            var kind = block.IsBottleneck ? "bottlenecks" : "basic blocks";
            return $"ResNet, {kind}{groups} {string.Join(", ", stages.Select(s => s.Length))}";
        }
    }

    /// <inheritdoc/>
    public Levels<Variable> Run(Tape tape, Variable input)
    {
        Variable x;
        using (var convolved = stem.Run(tape, input))
            x = tape.MaxPool(convolved, kernel: 3, stride: 2, padding: 1);
        var maps = new List<Variable>();
        foreach (var (s, blocks) in stages.Index())
        {
            foreach (var block in blocks)
            {
                var next = block.Run(tape, x);
                // Keep the output of a stage if it is one of the maps; other values are no longer needed.
                if (!maps.Contains(x))
                    x.Dispose();
                x = next;
            }
            if (s >= firstMap)
                maps.Add(x);
        }
        return new Levels<Variable>(FinestLevel, maps);
    }
}
