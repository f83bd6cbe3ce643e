namespace Fpn.IlGpu.Networks;

/// <summary>
/// No pyramid (paper, tables 1 to 3, rows a and b): the backbone's last map, C4 or C5, is the only level. It has anchors of all
/// sizes, as in the original Faster R-CNN.
/// </summary>
internal sealed class SingleMap(int channels) : IPyramid
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
    public FeatureMaps Run(Tape tape, Levels<Variable> bottomUp)
    {
        var top = bottomUp.Coarsest;
        var level = tape.NewMaps(top, [bottomUp[top].Shape]);
        // Max pooling with a window of one px is a copy.
        level[top] = tape.MaxPool(bottomUp[top], kernel: 1, stride: 1, padding: 0, level.Memory(top));
        foreach (var map in bottomUp)
            map.Dispose();
        return level;
    }
}
