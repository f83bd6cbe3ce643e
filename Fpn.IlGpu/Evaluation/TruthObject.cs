using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>An object that is to be found.</summary>
/// <param name="Id">Its number; 0 stands for none in COCO's evaluation, and such an object never counts as found.</param>
/// <param name="PictureId">The picture that it is in.</param>
/// <param name="CategoryId">Its class.</param>
/// <param name="BoxImagePx">Where it is; not clipped to the picture.</param>
/// <param name="Area">By which it is small, medium or large, in px².</param>
/// <param name="IsCrowd">Whether it is a region of many: found or missed without effect, and may be found many times.</param>
/// <param name="Mask">Null where boxes are compared, or where it has none that can be read: then it is never found.</param>
public sealed record TruthObject(
    long Id, long PictureId, long CategoryId, CocoBox BoxImagePx, double Area, bool IsCrowd = false, ObjectMask? Mask = null);
