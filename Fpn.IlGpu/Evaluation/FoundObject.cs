using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>A detected or proposed object, an entry of a COCO results file.</summary>
/// <param name="PictureId">The id of its picture.</param>
/// <param name="CategoryId">The id of its class; null for a proposal, which has none.</param>
/// <param name="Score">The confidence; higher is more certain.</param>
/// <param name="BoxImagePx">The box, in px of the picture.</param>
/// <param name="Area">
/// The area that makes it small, medium or large, in px². COCO uses the box's area if results have boxes, even for masks.
/// </param>
/// <param name="Mask">The mask; null if boxes are compared, or if it has no readable mask, in which case it is wrong.</param>
public sealed record FoundObject(
    long PictureId, long? CategoryId, double Score, CocoBox BoxImagePx, double Area, ObjectMask? Mask = null);
