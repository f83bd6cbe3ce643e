using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The head of the paper's baseline (table 2, row a; He et al., Deep Residual Learning, appendix A): the ResNet's fifth stage runs on
/// each RoI of C4, followed by the mean of each channel. It has the full capacity of conv5 but also costs as much for every RoI; FPN's
/// head of two small layers is what makes FPN faster than this baseline.
/// </summary>
internal sealed class StageHead : IDisposable
{
    /// <summary>The side of the RoI features that the stage takes as input; the stage halves it.</summary>
    public const int Bins = 14;

    private readonly Device device;
    private readonly ResidualBlock[] blocks;

    private StageHead(Device device, ResidualBlock[] blocks)
    {
        this.device = device;
        this.blocks = blocks;
    }

    /// <summary>Channels of the features.</summary>
    public int OutputChannels => blocks[^1].OutputChannels;

    /// <summary>The prefix of its tensors' names.</summary>
    /// <param name="head">The prefix of the box head's tensors' names: <c>roi_heads.box_head</c>.</param>
    public static string Name(string head) => head + ".layer4.";

    /// <summary>Reads the head from a model file.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="head">The prefix of the box head's tensors' names.</param>
    /// <param name="channels">Channels of the map that RoI features are read from.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1.</param>
    public static StageHead Read(Device device, WeightReader weights, string head, int channels, bool strideInFirst)
    {
        var blocks = new ResidualBlock[weights.Count(Name(head))];
        for (var b = 0; b < blocks.Length; b++)
        {
            blocks[b] = ResidualBlock.Read(weights, Name(head) + b, channels, stride: b == 0 ? 2 : 1, strideInFirst);
            channels = blocks[b].OutputChannels;
        }
        return new StageHead(device, blocks);
    }

    /// <summary>Runs the stage and averages its output; the caller disposes the features.</summary>
    /// <param name="roiFeatures">The RoI features, [R, bins, bins, C].</param>
    /// <returns>The features, [R, 1, 1, C5].</returns>
    public Tensor Run(Tensor roiFeatures)
    {
        var x = roiFeatures;
        foreach (var block in blocks)
        {
            var next = block.Run(x);
            if (x != roiFeatures)
                x.Dispose();
            x = next;
        }
        var means = Tensor.Rent(device, new Shape(x.Shape.N, 1, 1, x.Shape.C));
        GlobalAveragePool.Run(device, x, means);
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
