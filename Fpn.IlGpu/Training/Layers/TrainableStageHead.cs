using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Training;

/// <summary><see cref="StageHead"/> on a tape, with the same tensors: the ResNet's fifth stage on RoIs of C4, and the means.</summary>
internal sealed class TrainableStageHead : IDisposable
{
    private readonly TrainableBlock[] blocks;

    /// <summary>Reads one.</summary>
    /// <param name="parameters">Which its tensors become a part of.</param>
    /// <param name="head">What the box head's tensors' names begin with.</param>
    /// <param name="channels">Of the map below.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1.</param>
    /// <param name="training">What of it is trained.</param>
    public TrainableStageHead(ParameterSet parameters, string head, int channels, bool strideInFirst, LayerTraining training)
    {
        var name = StageHead.Name(head);
        blocks = new TrainableBlock[parameters.Source.Count(name)];
        for (var b = 0; b < blocks.Length; b++)
        {
            blocks[b] = new TrainableBlock(parameters, name + b, channels, stride: b == 0 ? 2 : 1, strideInFirst, training);
            channels = blocks[b].OutputC;
        }
    }

    /// <summary>Channels of the features.</summary>
    public int OutputC => blocks[^1].OutputC;

    /// <summary>Runs it; the caller disposes the features, and the input stays.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="roiFeatures">[R, bins, bins, C].</param>
    /// <returns>[R, 1, 1, C5].</returns>
    public Variable Run(Tape tape, Variable roiFeatures)
    {
        var x = roiFeatures;
        foreach (var block in blocks)
        {
            var next = block.Run(tape, x);
            if (x != roiFeatures)
                x.Dispose();
            x = next;
        }
        var means = tape.GlobalAveragePool(x);
        x.Dispose();
        return means;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var block in blocks)
            block.Dispose();
    }
}
