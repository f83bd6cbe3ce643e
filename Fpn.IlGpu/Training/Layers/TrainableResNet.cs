using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// <see cref="Networks.ResNet"/> on a tape, with the same tensors: 7×7 convolution of stride 2, max pool, stages of residual blocks.
/// The first stages may be frozen: they look for edges and textures, which every set of pictures has.
/// </summary>
internal sealed class TrainableResNet : IDisposable
{
    private readonly TrainableConvolution stem;
    private readonly List<TrainableBlock[]> stages = [];
    private readonly int firstMap;

    /// <summary>Reads one.</summary>
    /// <param name="parameters">Which its tensors become a part of.</param>
    /// <param name="name">What their names begin with: <c>backbone.body</c>.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1 (the paper) or its 3×3 (torchvision).</param>
    /// <param name="mapCount">How many maps, the coarsest, it is to give.</param>
    /// <param name="frozenStages">0 for none, 1 for the stem, 2 for the first stage of blocks, too, …</param>
    /// <param name="training">Of the others.</param>
    /// <exception cref="WeightsException">Something is missing, or it has fewer stages than that.</exception>
    public TrainableResNet(
        ParameterSet parameters, string name, bool strideInFirst, int mapCount, int frozenStages, LayerTraining training)
    {
        stem = TrainableConvolution.Read(
            parameters, name + ".conv1", 3, ConvolutionWindow.Square(stride: 2, padding: 3), name + ".bn1", Of(0));
        var channels = stem.OutputC;
        var stageCount = Math.Max(2, parameters.Source.Count(name + ".layer")) - 1;
        if (mapCount > stageCount)
            throw parameters.Source.Error($"its pyramid stands on {mapCount} maps, but '{name}' has {stageCount} stages.");
        while (stages.Count < stageCount)
        {
            var stage = $"{name}.layer{stages.Count + 1}.";
            var blocks = new TrainableBlock[Math.Max(1, parameters.Source.Count(stage))];
            for (var b = 0; b < blocks.Length; b++)
            {
                var stride = stages.Count > 0 && b == 0 ? 2 : 1;
                blocks[b] = new TrainableBlock(parameters, stage + b, channels, stride, strideInFirst, Of(stages.Count + 1));
                channels = blocks[b].OutputC;
            }
            stages.Add(blocks);
        }
        firstMap = stageCount - mapCount;
        Channels = [.. stages.Skip(firstMap).Select(s => s[^1].OutputC)];

        LayerTraining Of(int stage) => stage < frozenStages ? training.AsFrozen : training;
    }

    /// <summary>Channels of each map, finest first.</summary>
    public IReadOnlyList<int> Channels { get; }

    /// <summary>Computes the maps, finest first; the caller disposes them.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="input">[N, H, W, 3].</param>
    public IReadOnlyList<Variable> Run(Tape tape, Variable input)
    {
        Variable x;
        using (var convolved = tape.Convolution(input, stem, Activation.Relu))
            x = tape.MaxPool(convolved, kernel: 3, stride: 2, padding: 1);
        var maps = new List<Variable>();
        foreach (var (s, blocks) in stages.Index())
        {
            foreach (var block in blocks)
            {
                var next = block.Run(tape, x);
                // A stage's last output is one of the maps; all between are done with.
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
}
