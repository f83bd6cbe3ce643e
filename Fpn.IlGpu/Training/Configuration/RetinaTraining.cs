namespace Fpn.IlGpu.Training;

/// <summary>How RetinaNet's head is trained (Lin et al., Focal Loss for Dense Object Detection, section 4).</summary>
public sealed record RetinaTraining
{
    /// <summary>The least IoU of a positive anchor.</summary>
    public float PositiveIou { get; init; } = 0.5f;

    /// <summary>The IoU below which an anchor is background.</summary>
    public float NegativeIou { get; init; } = 0.4f;

    /// <summary>The weight of objects against the background, α.</summary>
    public float FocalAlpha { get; init; } = 0.25f;

    /// <summary>How fast well-classified anchors lose weight, γ; 0 for plain cross-entropy.</summary>
    public float FocalGamma { get; init; } = 2;

    /// <summary>The β of the smooth L1 loss; 0 for L1, as in torchvision.</summary>
    public float SmoothL1Beta { get; init; }

    internal string? Problem()
    {
        if (!(NegativeIou is >= 0 and <= 1) || !(PositiveIou is >= 0 and <= 1) || NegativeIou > PositiveIou)
            return "'retina' takes 'negative_iou' and 'positive_iou' from 0 to 1, with 'positive_iou' at least 'negative_iou'";
        return FocalAlpha is >= 0 and <= 1 && FocalGamma is >= 0 and <= 10 && SmoothL1Beta is >= 0 and <= 10
            ? null
            : "'retina' takes 'focal_alpha' from 0 to 1, 'focal_gamma' and 'smooth_l1_beta' from 0 to 10";
    }
}
