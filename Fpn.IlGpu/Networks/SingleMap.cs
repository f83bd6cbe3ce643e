using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// No pyramid (paper, tables 1 to 3, rows a and b): the backbone's last map, C4 or C5, is the only level. It has anchors of all
/// sizes, as in the original Faster R-CNN.
/// </summary>
internal sealed class SingleMap(Device device, int channels) : IPyramid
{
    /// <inheritdoc/>
    public string Description => $"the last map of {Channels} channels alone";

    /// <inheritdoc/>
    public int Channels { get; } = channels;

    /// <inheritdoc/>
    public int Levels => 1;

    /// <inheritdoc/>
    public int MergedLevels => 1;

    /// <inheritdoc/>
    public FeatureMaps Run(IReadOnlyList<Tensor> bottomUp)
    {
        var level = new FeatureMaps(device, [bottomUp[^1].Shape]);
        // Max pooling with a window of one px is a copy.
        MaxPool.Run(device, bottomUp[^1], kernel: 1, stride: 1, padding: 0, level[0]);
        foreach (var map in bottomUp)
            map.Dispose();
        return level;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // It has no weights.
    }
}
