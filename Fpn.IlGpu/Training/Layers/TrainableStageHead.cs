using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Training;

/// <summary><see cref="StageHead"/> on a tape, with the same tensors: the ResNet's fifth stage on RoIs of C4, then the means.</summary>
internal sealed class TrainableStageHead : IDisposable
{
    private readonly TrainableBlock[] blocks;

    /// <summary>Reads the head.</summary>
    /// <param name="parameters">The set that reads and owns the parameters.</param>
    /// <param name="head">The prefix of the box head's tensors' names.</param>
    /// <param name="channels">Channels of the map that RoI features are read from.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1.</param>
    /// <param name="training">Which parts are trained.</param>
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

    /// <summary>Runs the stage and averages its output; the caller disposes the features and keeps the input.</summary>
    /// <param name="tape">The tape to record on.</param>
    /// <param name="roiFeatures">The RoI features, [R, bins, bins, C].</param>
    /// <returns>The features, [R, 1, 1, C5].</returns>
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
