using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>An object that something has found, an entry of COCO's file of results.</summary>
/// <param name="PictureId">The picture that it is in.</param>
/// <param name="CategoryId">Its class; null for a proposal, which has none.</param>
/// <param name="Score">Higher is surer.</param>
/// <param name="BoxImagePx">Where it is.</param>
/// <param name="Area">
/// By which it is small, medium or large, in px². COCO takes the box's where results have boxes, for masks too.
/// </param>
/// <param name="Mask">Null where boxes are compared, or where it has none that can be read: then it is wrong.</param>
public sealed record FoundObject(
    long PictureId, long? CategoryId, double Score, CocoBox BoxImagePx, double Area, ObjectMask? Mask = null);
