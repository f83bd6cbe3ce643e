namespace Fpn.IlGpu.Networks;

/// <summary>
/// The head of the paper's baseline (table 2, row a; He et al., Deep Residual Learning, appendix A): the ResNet's fifth stage runs on
/// each RoI of C4, followed by the mean of each channel. It has the full capacity of conv5 but also costs as much for every RoI; FPN's
/// head of two small layers is what makes FPN faster than this baseline.
/// </summary>
internal sealed class StageHead
{
    /// <summary>The side of the RoI features that the stage takes as input; the stage halves it.</summary>
    public const int Bins = 14;

    private readonly ResidualBlock[] blocks;

    /// <summary>Defines the head, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="head">The prefix of the box head's tensors' names: <c>roi_heads.box_head</c>.</param>
    /// <param name="layout">The sizes of the stage's blocks.</param>
    /// <param name="channels">Channels of the map that RoI features are read from.</param>
    public StageHead(LayerSet layers, string head, BlockLayout[] layout, int channels)
    {
        OutputC = layout[^1].OutputC;
        blocks = [.. layout.Select((block, b) => new ResidualBlock(
            layers, Name(head) + b, b == 0 ? channels : layout[b - 1].OutputC, block, stride: b == 0 ? 2 : 1))];
    }

    /// <summary>Channels of the features.</summary>
    public int OutputC { get; }

    /// <summary>The prefix of its tensors' names.</summary>
    /// <param name="head">The prefix of the box head's tensors' names.</param>
    public static string Name(string head) => head + ".layer4.";

    /// <summary>Runs the stage and averages its output; the caller disposes the features and keeps the input.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="roiFeatures">The RoI features, [R, bins, bins, C].</param>
    /// <returns>The features, [R, 1, 1, C5].</returns>
    public Variable Run(Tape tape, Variable roiFeatures)
    {
        using var x = blocks.RunAll(tape, roiFeatures);
        return tape.GlobalAveragePool(x);
    }
}
