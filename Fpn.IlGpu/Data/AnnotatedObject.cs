using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Data;

/// <summary>An annotated object in a picture.</summary>
/// <param name="BoxImagePx">The box, in px of the picture. A set's readers clip it to the picture and skip empty boxes.</param>
/// <param name="ClassIndex">The class: the index of its category in <see cref="AnnotatedSet.Categories"/>, from 0.</param>
public readonly record struct AnnotatedObject(Box BoxImagePx, int ClassIndex)
{
    /// <summary>
    /// Whether it is a region with many objects of the class, marked as one (COCO's <c>iscrowd</c>). A detection there is
    /// neither right nor wrong.
    /// </summary>
    public bool IsCrowd { get; init; }

    /// <summary>Whether to ignore it (VOC's <c>difficult</c>): missing or finding it has no effect.</summary>
    public bool IsIgnored { get; init; }

    /// <summary>The area in px² of the picture, which evaluations by size go by: that of the annotation, or else that of the box.</summary>
    public double Area { get; init; } = (double)BoxImagePx.Width * BoxImagePx.Height;

    /// <summary>The object's pixels in the picture; null if only its box is known.</summary>
    public ObjectMask? Mask { get; init; }
}
