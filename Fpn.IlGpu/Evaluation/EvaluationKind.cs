namespace Fpn.IlGpu.Evaluation;

/// <summary>What is compared with the ground truth.</summary>
public enum EvaluationKind
{
    /// <summary>Boxes, COCO's <c>bbox</c>.</summary>
    Box,

    /// <summary>Masks, COCO's <c>segm</c>.</summary>
    Mask,
}
