using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// ResNet (He et al., Deep Residual Learning, table 1) as a bottom-up pathway: a 7×7 convolution of stride 2, a max pool of
/// stride 2, then stages of residual blocks. The first block of every stage but the first halves the size. The weights determine
/// block type, depths, widths and groups, so wide ResNets and ResNeXts need no special case. The outputs of the stages' last blocks
/// are C2, C3, C4, C5.
/// </summary>
internal sealed class ResNet : IBackbone
{
    private readonly Device device;
    private readonly ConvolutionLayer stem;
    private readonly ResidualBlock[][] stages;
    private readonly int firstMap;

    private ResNet(Device device, ConvolutionLayer stem, ResidualBlock[][] stages, int mapCount)
    {
        this.device = device;
        this.stem = stem;
        this.stages = stages;
        firstMap = stages.Length - mapCount;
        Channels = [.. stages.Skip(firstMap).Select(s => s[^1].OutputChannels)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> Channels { get; }

    /// <inheritdoc/>
    public string Description
    {
        get
        {
            var block = stages[0][0];
            var groups = block.Groups == 1 ? "" : $" of {block.Groups} groups";
            var kind = block.IsBottleneck ? "bottlenecks" : "basic blocks";
            return $"ResNet, {kind}{groups} {string.Join(", ", stages.Select(s => s.Length))}";
        }
    }

    /// <summary>Reads a ResNet from a model file.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.body</c>.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1 (the paper) or its 3×3 (torchvision).</param>
    /// <param name="mapCount">The number of maps to return, counted from the coarsest: 4 for C2 to C5, 3 for C3 to C5.</param>
    /// <exception cref="WeightsException">A tensor is missing, or there are fewer stages than <paramref name="mapCount"/>.</exception>
    public static ResNet Read(Device device, WeightReader weights, string name, bool strideInFirst, int mapCount)
    {
        var stem = weights.Convolution(
            name + ".conv1", 3, ConvolutionWindow.Square(stride: 2, padding: 3), Activation.Relu, name + ".bn1");
        var channels = stem.OutputChannels;
        var stages = new List<ResidualBlock[]>();
        var stageCount = Math.Max(2, weights.Count(name + ".layer")) - 1;
        if (mapCount > stageCount)
            throw weights.Error($"its pyramid needs {mapCount} maps, but '{name}' has {stageCount} stages.");
        while (stages.Count < stageCount)
        {
            var stage = $"{name}.layer{stages.Count + 1}.";
            var blocks = new ResidualBlock[Math.Max(1, weights.Count(stage))];
            for (var b = 0; b < blocks.Length; b++)
            {
                var stride = stages.Count > 0 && b == 0 ? 2 : 1;
                blocks[b] = ResidualBlock.Read(weights, stage + b, channels, stride, strideInFirst);
                channels = blocks[b].OutputChannels;
            }
            stages.Add(blocks);
        }
        return new ResNet(device, stem, [.. stages], mapCount);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Run(Tensor input)
    {
        var x = Pool(stem.Run(input));
        var maps = new List<Tensor>();
        for (var s = 0; s < stages.Length; s++)
        {
            foreach (var block in stages[s])
            {
                var next = block.Run(x);
                // Keep the output of a stage if it is one of the maps; other values are no longer needed.
                if (!maps.Contains(x))
                    x.Dispose();
                x = next;
            }
            if (s >= firstMap)
                maps.Add(x);
        }
        return maps;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        stem.Dispose();
        foreach (var block in stages.SelectMany(s => s))
            block.Dispose();
    }

    private Tensor Pool(Tensor stemOutput)
    {
        using (stemOutput)
        {
            var pooled = Tensor.Rent(device, MaxPool.OutputShape(stemOutput.Shape, kernel: 3, stride: 2, padding: 1));
            MaxPool.Run(device, stemOutput, kernel: 3, stride: 2, padding: 1, pooled);
            return pooled;
        }
    }
}
