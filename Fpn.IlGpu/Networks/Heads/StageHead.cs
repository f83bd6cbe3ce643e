using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The head of the baseline that the paper holds FPN against (table 2, row a; He et al., Deep Residual Learning, appendix A): the
/// ResNet's fifth stage, computed for each RoI of C4, and the mean of each channel. It has all the capacity of conv5, and costs
/// as much for every RoI: the pyramid's two small layers are what lets FPN be faster than a single map.
/// </summary>
internal sealed class StageHead : IDisposable
{
    /// <summary>The side of the RoI features that the stage takes; it halves it.</summary>
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

    /// <summary>What its tensors' names begin with.</summary>
    /// <param name="head">The box head's: <c>roi_heads.box_head</c>.</param>
    public static string Name(string head) => head + ".layer4.";

    /// <summary>Reads one.</summary>
    /// <param name="device">Where its weights go.</param>
    /// <param name="weights">Where from.</param>
    /// <param name="head">What the box head's tensors' names begin with.</param>
    /// <param name="channels">Of the map below.</param>
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

    /// <summary>Runs it; the caller disposes the features.</summary>
    /// <param name="roiFeatures">[R, bins, bins, C].</param>
    /// <returns>[R, 1, 1, C5].</returns>
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
