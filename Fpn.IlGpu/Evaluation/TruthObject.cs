using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>A ground-truth object.</summary>
/// <param name="Id">The object's id. COCO's evaluation treats 0 as none, so such an object never counts as found.</param>
/// <param name="PictureId">The id of its picture.</param>
/// <param name="CategoryId">The id of its class.</param>
/// <param name="BoxImagePx">The box, in px of the picture; not clipped.</param>
/// <param name="Area">The area that makes it small, medium or large, in px².</param>
/// <param name="IsCrowd">
/// Whether it is a region of many objects: finding or missing it has no effect, and it may be found many times.
/// </param>
/// <param name="Mask">The mask; null if boxes are compared, or if it has no readable mask, in which case it is never found.</param>
public sealed record TruthObject(
    long Id, long PictureId, long CategoryId, CocoBox BoxImagePx, double Area, bool IsCrowd = false, ObjectMask? Mask = null);
