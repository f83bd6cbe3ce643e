namespace Fpn.IlGpu.Weights;

/// <summary>The values of <c>fpn.config</c>'s key <c>detector</c>.</summary>
public static class DetectorKind
{
    /// <summary>Boxes (Ren et al., Faster R-CNN, on the pyramid of Lin et al.).</summary>
    public const string FasterRcnn = "faster-rcnn";

    /// <summary>
    /// Boxes in regions that are supplied from outside (Girshick, Fast R-CNN): the second stage of Faster R-CNN alone.
    /// </summary>
    public const string FastRcnn = "fast-rcnn";

    /// <summary>Boxes and masks (He et al., Mask R-CNN).</summary>
    public const string MaskRcnn = "mask-rcnn";

    /// <summary>Boxes in one stage (Lin et al., Focal Loss for Dense Object Detection).</summary>
    public const string RetinaNet = "retinanet";

    /// <summary>Proposals without classes: the first stage of Faster R-CNN alone.</summary>
    public const string ProposalNetwork = "rpn";

    /// <summary>Masks of objects without classes (Lin et al., Feature Pyramid Networks, section 6).</summary>
    public const string MaskProposals = "mask-proposals";

    /// <summary>All detector kinds.</summary>
    public static IReadOnlyList<string> All { get; } = [FasterRcnn, FastRcnn, MaskRcnn, RetinaNet, ProposalNetwork, MaskProposals];
}
