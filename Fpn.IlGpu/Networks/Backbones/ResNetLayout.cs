namespace Fpn.IlGpu.Networks;

/// <summary>The sizes of a ResNet's layers (He et al., Deep Residual Learning, table 1).</summary>
/// <param name="StemC">Channels of the first convolution.</param>
/// <param name="Stages">The blocks of each stage.</param>
internal sealed record ResNetLayout(int StemC, BlockLayout[][] Stages) : BackboneLayout
{
    /// <inheritdoc/>
    public override int MostMaps => Stages.Length;

    /// <summary>Reads the layout of a model file, whose shapes tell block type, depths, widths and groups.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>backbone.body</c>.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1 (the paper) or its 3×3 (torchvision).</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing.</exception>
    public static new ResNetLayout Read(WeightReader weights, string name, bool strideInFirst)
    {
        var stemC = weights.OutputC(name + ".conv1");
        var channels = stemC;
        var stages = new BlockLayout[Math.Max(2, weights.Count(name + ".layer")) - 1][];
        for (var s = 0; s < stages.Length; s++)
            stages[s] = BlockLayout.ReadStage(weights, $"{name}.layer{s + 1}.", ref channels, stride: s == 0 ? 1 : 2, strideInFirst);
        return new ResNetLayout(stemC, stages);
    }

    /// <summary>Returns the layout of a ResNet, wide ResNet or ResNeXt.</summary>
    /// <param name="blocks">The number of blocks of each stage.</param>
    /// <param name="isBottleneck">Whether the blocks are bottlenecks, whose outputs have four times as many channels.</param>
    /// <param name="widths">
    /// Channels of each stage, as for a plain ResNet: 64, 128, 256, 512. A bottleneck of them has widths · groups · groupWidth / 64
    /// channels inside.
    /// </param>
    /// <param name="groups">The channel groups of the bottlenecks' 3×3 convolutions: 32 or 64 for ResNeXt.</param>
    /// <param name="groupWidth">Channels of a group in the first stage: 64 for ResNet, 128 for wide ResNet, 4 or 8 for ResNeXt.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1.</param>
    public static ResNetLayout Of(
        int[] blocks, bool isBottleneck, int[] widths, int groups = 1, int groupWidth = 64, bool strideInFirst = false)
    {
        var channels = widths[0];
        var stages = new BlockLayout[blocks.Length][];
        for (var s = 0; s < stages.Length; s++)
        {
            var inner = isBottleneck ? widths[s] * groupWidth / 64 * groups : widths[s];
            var outputC = isBottleneck ? 4 * widths[s] : widths[s];
            stages[s] = new BlockLayout[blocks[s]];
            for (var b = 0; b < blocks[s]; b++)
            {
                // The shortcut is a layer where the block changes the map's size or channels.
                var hasShortcut = b == 0 && (s > 0 || channels != outputC);
                stages[s][b] = new BlockLayout(inner, outputC, isBottleneck, groups, hasShortcut, strideInFirst);
                channels = outputC;
            }
        }
        return new ResNetLayout(widths[0], stages);
    }

    /// <summary>
    /// The receptive field of each stage's map: the side, in input px, of the square that a value can depend on. A window of 3 px adds
    /// twice the step between the pixels that it reads.
    /// </summary>
    public IEnumerable<int> ReceptiveFieldsPx()
    {
        // After the 7×7 convolution and the 3×3 max pool, each of stride 2.
        var (field, step) = (7 + 2 * 2, 4);
        foreach (var (s, blocks) in Stages.Index())
        {
            foreach (var (b, block) in blocks.Index())
            {
                var stride = s > 0 && b == 0 ? 2 : 1;
                if (block.IsBottleneck)
                {
                    field += 2 * step * (block.StrideInFirst ? stride : 1);
                    step *= stride;
                    continue;
                }
                field += 2 * step;
                step *= stride;
                field += 2 * step;
            }
            yield return field;
        }
    }

    /// <inheritdoc/>
    public override IBackbone Build(LayerSet layers, string name, int mapCount)
        => new ResNet(layers, name, this, mapCount);
}

/// <summary>The sizes of a residual block.</summary>
/// <param name="MiddleC">Channels inside the block.</param>
/// <param name="OutputC">Channels of its output.</param>
/// <param name="IsBottleneck">Whether it has 1×1, 3×3, 1×1 convolutions rather than two 3×3.</param>
/// <param name="ChannelGroups">The channel groups of a bottleneck's 3×3 convolution.</param>
/// <param name="HasShortcut">Whether the shortcut is a 1×1 convolution rather than the input itself.</param>
/// <param name="StrideInFirst">Whether a bottleneck's stride is in its first 1×1 (the paper) or its 3×3 (torchvision).</param>
internal sealed record BlockLayout(
    int MiddleC, int OutputC, bool IsBottleneck, int ChannelGroups, bool HasShortcut, bool StrideInFirst)
{
    /// <summary>Reads the layouts of a stage's blocks; a block is a bottleneck if it has a third convolution.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="prefix">The prefix of the blocks' names, for example <c>backbone.body.layer1.</c>.</param>
    /// <param name="channels">Channels of the stage's input; receives those of its output.</param>
    /// <param name="stride">The stride of the first block, in px.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing.</exception>
    public static BlockLayout[] ReadStage(WeightReader weights, string prefix, ref int channels, int stride, bool strideInFirst)
    {
        var blocks = new BlockLayout[Math.Max(1, weights.Count(prefix))];
        for (var b = 0; b < blocks.Length; b++)
        {
            var name = prefix + b;
            var middleC = weights.OutputC(name + ".conv1");
            var isBottleneck = weights.HasAny(name + ".conv3.") || weights.HasAny(name + ".bn3.");
            var outputC = weights.OutputC(isBottleneck ? name + ".conv3" : name + ".conv2");
            // ResNeXt: each output channel of the 3×3 sees only its group's inputs.
            var groups = isBottleneck ? Math.Max(1, middleC / weights.Size(name + ".conv2.weight", 1, 4)) : 1;
            var hasShortcut = (b == 0 && stride != 1) || channels != outputC || weights.HasAny(name + ".downsample.");
            blocks[b] = new BlockLayout(middleC, outputC, isBottleneck, groups, hasShortcut, strideInFirst);
            channels = outputC;
        }
        return blocks;
    }
}
