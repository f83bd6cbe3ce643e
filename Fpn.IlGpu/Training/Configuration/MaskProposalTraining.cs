namespace Fpn.IlGpu.Training;

/// <summary>How the head that proposes masks is trained (paper, appendix B).</summary>
public sealed record MaskProposalTraining
{
    /// <summary>The number of windows sampled from each picture.</summary>
    public int Samples { get; init; } = 128;

    /// <summary>The largest share of positives among the samples: one positive to three negatives.</summary>
    public float PositiveShare { get; init; } = 0.25f;

    /// <summary>The weight of the mask loss against that of the scores.</summary>
    public float MaskWeight { get; init; } = 10;

    internal string? Problem() => Samples is >= 1 and <= 65536 && PositiveShare is >= 0 and <= 1 && MaskWeight is >= 0 and <= 1000
        ? null
        : "'mask_proposals' takes 'samples' from 1 to 65536, 'positive_share' from 0 to 1, 'mask_weight' from 0 to 1000";
}
