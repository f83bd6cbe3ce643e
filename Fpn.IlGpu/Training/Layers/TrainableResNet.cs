using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// <see cref="Networks.ResNet"/> on a tape, with the same tensors: a 7×7 convolution of stride 2, a max pool, stages of residual
/// blocks. The first stages may be frozen: they detect edges and textures, which are common to all data sets.
/// </summary>
internal sealed class TrainableResNet : IDisposable
{
    private readonly TrainableConvolution stem;
    private readonly List<TrainableBlock[]> stages = [];
    private readonly int firstMap;

    /// <summary>Reads the network.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.body</c>.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1 (the paper) or its 3×3 (torchvision).</param>
    /// <param name="mapCount">The number of maps to return, counted from the coarsest.</param>
    /// <param name="frozenStages">The number of frozen parts: 0 for none, 1 for the stem, 2 also for the first stage of blocks, …</param>
    /// <param name="training">Which parts of the other layers are trained.</param>
    /// <exception cref="WeightsException">A tensor is missing, or there are fewer stages than <paramref name="mapCount"/>.</exception>
    public TrainableResNet(
        ParameterSet parameters, string name, bool strideInFirst, int mapCount, int frozenStages, LayerTraining training)
    {
        stem = TrainableConvolution.Read(
            parameters, name + ".conv1", 3, ConvolutionWindow.Square(stride: 2, padding: 3), name + ".bn1", Of(0));
        var channels = stem.OutputC;
        var stageCount = Math.Max(2, parameters.Source.Count(name + ".layer")) - 1;
        if (mapCount > stageCount)
            throw parameters.Source.Error($"its pyramid needs {mapCount} maps, but '{name}' has {stageCount} stages.");
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
    /// <param name="tape">The tape to record on.</param>
    /// <param name="input">The input, [N, H, W, 3].</param>
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
}
