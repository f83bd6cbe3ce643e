namespace Fpn.IlGpu.Training;

/// <summary>The network: from random numbers, or from a file.</summary>
public sealed record NetworkLayout
{
    /// <summary>
    /// A checkpoint to start from, of which every tensor that fits is taken (the class layers only if the number of classes is
    /// the same); null to start from random numbers.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>resnet18, resnet34, resnet50, resnet101 or resnet152.</summary>
    public string Layout { get; init; } = "resnet50";

    /// <summary>Channels inside the blocks of the four stages; the ResNets' own are 64, 128, 256, 512.</summary>
    public int[] Widths { get; init; } = [64, 128, 256, 512];

    /// <summary>
    /// The backbone's last map, 5 for C5; or 4, which leaves the fifth stage out, or to <see cref="BoxHeadKind.Stage"/>.
    /// </summary>
    public int TopMap { get; init; } = 5;

    /// <summary>What says what is in a region.</summary>
    public BoxHeadKind BoxHead { get; init; } = BoxHeadKind.FullyConnected;

    /// <summary>Whether one RPN head serves all levels, as the paper recommends; else each has its own.</summary>
    public bool SharedRpnHead { get; init; } = true;

    /// <summary>d, channels of the pyramid's levels, and of the RPN's hidden layer.</summary>
    public int PyramidChannels { get; init; } = 256;

    /// <summary>Channels of the box head's two layers.</summary>
    public int HeadChannels { get; init; } = 1024;

    /// <summary>What batch norms do.</summary>
    public NormTraining BatchNorm { get; init; } = NormTraining.Live;

    /// <summary>How many of the stem and the four stages stay as they were read, from the finest on; 0 to 5.</summary>
    public int FrozenStages { get; init; }

    /// <summary>Blocks of the four stages, and whether they are bottlenecks.</summary>
    internal (int[] Blocks, bool Bottleneck) Stages => Layout switch
    {
        "resnet18" => ([2, 2, 2, 2], false),
        "resnet34" => ([3, 4, 6, 3], false),
        "resnet50" => ([3, 4, 6, 3], true),
        "resnet101" => ([3, 4, 23, 3], true),
        "resnet152" => ([3, 8, 36, 3], true),
        _ => throw new InvalidOperationException($"'{Layout}' was let pass."),
    };

    internal string? Problem()
    {
        if (Layout is not ("resnet18" or "resnet34" or "resnet50" or "resnet101" or "resnet152"))
            return $"'network.layout' is resnet18, resnet34, resnet50, resnet101 or resnet152, not '{Layout}'";
        if (Widths.Length != 4 || Widths.Any(w => w is < 1 or > 4096))
            return "'network.widths' takes four numbers from 1 to 4096";
        if (PyramidChannels is < 1 or > 4096 || HeadChannels is < 1 or > 16384)
            return "'network.pyramid_channels' lies within 1 and 4096, 'network.head_channels' within 1 and 16384";
        if (TopMap is not (4 or 5))
            return "'network.top_map' is 4 or 5";
        if (BoxHead == BoxHeadKind.Stage && TopMap != 4)
            return "'network.box_head' of 'stage' is the fifth stage: 'network.top_map' must be 4";
        if (FrozenStages is < 0 or > 5)
            return "'network.frozen_stages' lies within 0 and 5";
        return FrozenStages > 0 && Weights is null
            ? "'network.frozen_stages' of random weights would stay random: name 'network.weights'"
            : null;
    }
}

/// <summary>What says what is in a region.</summary>
public enum BoxHeadKind
{
    /// <summary>Two layers of <see cref="NetworkLayout.HeadChannels"/> on features of 7 × 7 (paper, section 4.2).</summary>
    FullyConnected,

    /// <summary>The ResNet's fifth stage on features of 14 × 14, and a mean: the baseline that FPN is compared with.</summary>
    Stage,
}

/// <summary>What the region proposal network is told (section 4.1 of the paper).</summary>
public sealed record ProposalTraining
{
    /// <summary>IoU from which an anchor is an object.</summary>
    public float PositiveIou { get; init; } = 0.7f;

    /// <summary>IoU below which it is background.</summary>
    public float NegativeIou { get; init; } = 0.3f;

    /// <summary>Anchors of a picture that count.</summary>
    public int Samples { get; init; } = 256;

    /// <summary>The most of them that are objects.</summary>
    public float PositiveShare { get; init; } = 0.5f;

    /// <summary>β of the smooth L1 loss.</summary>
    public float SmoothL1Beta { get; init; } = 1f / 9;

    /// <summary>Proposals a level kept before NMS, in training.</summary>
    public int PreNmsTopN { get; init; } = 2000;

    /// <summary>Proposals a picture kept after NMS, in training.</summary>
    public int PostNmsTopN { get; init; } = 2000;

    internal string? Problem()
    {
        if (!(NegativeIou is >= 0 and <= 1) || !(PositiveIou is >= 0 and <= 1) || NegativeIou > PositiveIou)
            return "'rpn' takes 'negative_iou' and 'positive_iou' within 0 and 1, the second no smaller";
        if (Samples is < 1 or > 65536 || PreNmsTopN is < 1 or > 20_000 || PostNmsTopN is < 1 or > 20_000)
            return "'rpn' takes 'samples' from 1 to 65536, 'pre_nms_top_n' and 'post_nms_top_n' from 1 to 20000";
        return PositiveShare is >= 0 and <= 1 && SmoothL1Beta is >= 0 and <= 10
            ? null
            : "'rpn' takes 'positive_share' from 0 to 1 and 'smooth_l1_beta' from 0 to 10";
    }
}

/// <summary>What the box head is told (section 5.2 of the paper).</summary>
public sealed record BoxTraining
{
    /// <summary>IoU from which a RoI is an object.</summary>
    public float PositiveIou { get; init; } = 0.5f;

    /// <summary>RoIs of a picture that count.</summary>
    public int Samples { get; init; } = 512;

    /// <summary>The most of them that are objects.</summary>
    public float PositiveShare { get; init; } = 0.25f;

    /// <summary>β of the smooth L1 loss.</summary>
    public float SmoothL1Beta { get; init; } = 1f / 9;

    internal string? Problem()
        => PositiveIou is >= 0 and <= 1 && Samples is >= 1 and <= 65536 && PositiveShare is >= 0 and <= 1 && SmoothL1Beta is >= 0 and <= 10
            ? null
            : "'box_head' takes 'positive_iou' and 'positive_share' from 0 to 1, 'samples' from 1 to 65536, 'smooth_l1_beta' from 0 to 10";
}
