using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Training;

/// <summary>The network: its layers, and where its initial weights come from.</summary>
public sealed record NetworkLayout
{
    private static readonly int[] UsualWidths = [64, 128, 256, 512];

    /// <summary>
    /// The weights to start from: a file with a detector or a backbone, or the name of a published model (<see cref="Fpn.IlGpu.Weights.ModelZoo"/>).
    /// Every tensor of matching name and shape is used, and the weights' conventions are kept; the class layers only if the classes have
    /// the same names. The backbone must be that of <see cref="Layout"/>. Null to start from random numbers.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>The backbone: one of <c>resnet50</c>, <c>mobilenet_v3_large</c>, … (docs/training.md has them all).</summary>
    public string Layout { get; init; } = "resnet50";

    /// <summary>
    /// torchvision's first or second generation of heads. The second has batch norms in pyramid, box head and mask head, two hidden
    /// convolutions in the RPN, four in the box head, and group norms in RetinaNet's towers.
    /// </summary>
    public int Generation { get; init; } = 1;

    /// <summary>
    /// The number of backbone maps below the pyramid, counted from the coarsest; null for the usual number: 4 (C2 to C5), 3 for
    /// RetinaNet, 2 for MobileNetV3.
    /// </summary>
    public int? Maps { get; init; }

    /// <summary>
    /// For ResNets, channels of the blocks of the four stages; for VGG, those of the first four of its five stages. The standard ones
    /// have 64, 128, 256, 512.
    /// </summary>
    public int[] Widths { get; init; } = [.. UsualWidths];

    /// <summary>
    /// The backbone's last map: 5 for C5; or 4 for C4, which drops the fifth stage or leaves it to <see cref="BoxHeadKind.Stage"/>.
    /// </summary>
    public int TopMap { get; init; } = 5;

    /// <summary>The kind of head that classifies regions.</summary>
    public BoxHeadKind BoxHead { get; init; } = BoxHeadKind.FullyConnected;

    /// <summary>Whether all levels share one RPN head, as the paper recommends; otherwise each level has its own.</summary>
    public bool SharedRpnHead { get; init; } = true;

    /// <summary>
    /// Channels of the pyramid's levels, d, and of the RPN's hidden layer; null for the usual number: 256, 128 for mask proposals.
    /// </summary>
    public int? PyramidChannels { get; init; }

    /// <summary>Channels of the box head's hidden layers.</summary>
    public int HeadChannels { get; init; } = 1024;

    /// <summary>Channels of the mask head's convolutions.</summary>
    public int MaskChannels { get; init; } = 256;

    /// <summary>
    /// For mask proposals: the sides of the windows at a location, in cells of its level. With two, the second is for the half octaves
    /// between the levels.
    /// </summary>
    public int[] Windows { get; init; } = [5, 7];

    /// <summary>For mask proposals: channels of a window's features.</summary>
    public int WindowChannels { get; init; } = 512;

    /// <summary>For mask proposals: the side of a mask, in cells.</summary>
    public int MaskSide { get; init; } = 14;

    /// <summary>The treatment of batch norms.</summary>
    public NormTraining BatchNorm { get; init; } = NormTraining.Live;

    /// <summary>The number of frozen parts, counted from the stem through the four stages; 0 to 5.</summary>
    public int FrozenStages { get; init; }

    /// <summary>
    /// Whether the whole backbone and the pyramid are frozen, so that only the heads are trained, on features that other heads share
    /// (alternating training).
    /// </summary>
    public bool FrozenPyramid { get; init; }

    internal string? Problem()
    {
        if (!BackboneLayouts.Names.Contains(Layout))
            return $"'network.layout' must be {string.Join(", ", BackboneLayouts.Names.SkipLast(1))} or {BackboneLayouts.Names[^1]}, not '{Layout}'";
        if (Widths.Length != 4 || Widths.Any(w => w is < 1 or > 4096))
            return "'network.widths' takes four numbers from 1 to 4096";
        if (!BackboneLayouts.HasWidths(Layout) && !Widths.SequenceEqual(UsualWidths))
            return $"'network.widths' are for ResNets and VGG; those of {Layout} are fixed";
        if (PyramidChannels is < 1 or > 4096 || MaskChannels is < 1 or > 4096 || HeadChannels is < 1 or > 16384)
            return "'network.pyramid_channels' and 'network.mask_channels' must be from 1 to 4096, 'network.head_channels' from 1 to 16384";
        if (Windows.Length is < 1 or > 4 || Windows.Any(side => side is < 1 or > 15 || side % 2 == 0))
            return "'network.windows' takes one to four odd numbers from 1 to 15";
        if (WindowChannels is < 1 or > 4096 || MaskSide is < 1 or > 64)
            return "'network.window_channels' must be from 1 to 4096, 'network.mask_side' from 1 to 64";
        if (Generation is not (1 or 2))
            return "'network.generation' must be 1 or 2";
        if (Maps is < 1 or > 6)
            return "'network.maps' must be from 1 to 6";
        if (TopMap is not (4 or 5))
            return "'network.top_map' must be 4 or 5";
        if (TopMap == 4 && !BackboneLayouts.IsResNet(Layout))
            return $"'network.top_map' must be 5 for {Layout}: only ResNets have a fifth stage to leave out";
        if (BoxHead == BoxHeadKind.Stage && TopMap != 4)
            return "'network.box_head' set to 'stage' uses the fifth stage, so 'network.top_map' must be 4";
        if (FrozenStages is < 0 or > 5)
            return "'network.frozen_stages' must be from 0 to 5";
        return Weights is null && (FrozenStages > 0 || FrozenPyramid)
            ? $"'network.{(FrozenPyramid ? "frozen_pyramid" : "frozen_stages")}' needs 'network.weights': without them what is frozen would stay random"
            : null;
    }
}

/// <summary>The kind of head that classifies regions.</summary>
public enum BoxHeadKind
{
    /// <summary>Two layers of <see cref="NetworkLayout.HeadChannels"/> channels on features of 7 × 7 (paper, section 4.2).</summary>
    FullyConnected,

    /// <summary>The ResNet's fifth stage on features of 14 × 14, then a mean: the baseline that FPN is compared with.</summary>
    Stage,
}

/// <summary>How the region proposal network is trained (section 4.1 of the paper).</summary>
public sealed record ProposalTraining
{
    /// <summary>The least IoU of a positive anchor.</summary>
    public float PositiveIou { get; init; } = 0.7f;

    /// <summary>The IoU below which an anchor is background.</summary>
    public float NegativeIou { get; init; } = 0.3f;

    /// <summary>The number of anchors sampled from each picture.</summary>
    public int Samples { get; init; } = 256;

    /// <summary>The largest share of positives among the samples.</summary>
    public float PositiveShare { get; init; } = 0.5f;

    /// <summary>The β of the smooth L1 loss.</summary>
    public float SmoothL1Beta { get; init; } = 1f / 9;

    /// <summary>The most proposals per level before NMS, in training.</summary>
    public int PreNmsTopN { get; init; } = 2000;

    /// <summary>The most proposals per picture after NMS, in training.</summary>
    public int PostNmsTopN { get; init; } = 2000;

    internal string? Problem()
    {
        if (!(NegativeIou is >= 0 and <= 1) || !(PositiveIou is >= 0 and <= 1) || NegativeIou > PositiveIou)
            return "'rpn' takes 'negative_iou' and 'positive_iou' from 0 to 1, with 'positive_iou' at least 'negative_iou'";
        if (Samples is < 1 or > 65536 || PreNmsTopN is < 1 or > 20_000 || PostNmsTopN is < 1 or > 20_000)
            return "'rpn' takes 'samples' from 1 to 65536, 'pre_nms_top_n' and 'post_nms_top_n' from 1 to 20000";
        return PositiveShare is >= 0 and <= 1 && SmoothL1Beta is >= 0 and <= 10
            ? null
            : "'rpn' takes 'positive_share' from 0 to 1 and 'smooth_l1_beta' from 0 to 10";
    }
}

/// <summary>How the box head is trained (section 5.2 of the paper).</summary>
public sealed record BoxTraining
{
    /// <summary>The least IoU of a positive RoI.</summary>
    public float PositiveIou { get; init; } = 0.5f;

    /// <summary>The number of RoIs sampled from each picture.</summary>
    public int Samples { get; init; } = 512;

    /// <summary>The largest share of positives among the samples.</summary>
    public float PositiveShare { get; init; } = 0.25f;

    /// <summary>The β of the smooth L1 loss.</summary>
    public float SmoothL1Beta { get; init; } = 1f / 9;

    internal string? Problem()
        => PositiveIou is >= 0 and <= 1 && Samples is >= 1 and <= 65536 && PositiveShare is >= 0 and <= 1 && SmoothL1Beta is >= 0 and <= 10
            ? null
            : "'box_head' takes 'positive_iou' and 'positive_share' from 0 to 1, 'samples' from 1 to 65536, 'smooth_l1_beta' from 0 to 10";
}
