using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Data;

/// <summary>One object of a picture, as someone marked it.</summary>
/// <param name="BoxImagePx">Where it is, in px of the picture; a set's readers clip it to the picture and leave none empty.</param>
/// <param name="ClassIndex">Its class: the place of its category in <see cref="AnnotatedSet.Categories"/>, from 0.</param>
public readonly record struct AnnotatedObject(Box BoxImagePx, int ClassIndex)
{
    /// <summary>
    /// Whether it is a region with many objects of the class, marked as one (COCO's <c>iscrowd</c>): what is found there is
    /// neither right nor wrong.
    /// </summary>
    public bool IsCrowd { get; init; }

    /// <summary>Whether it is to be left out of account (VOC's <c>difficult</c>): to be missed or found, without any effect.</summary>
    public bool IsIgnored { get; init; }

    /// <summary>Pixels that it covers, in px² of the picture: of its mask where there is one, of its box otherwise.</summary>
    public double Area { get; init; } = (double)BoxImagePx.Width * BoxImagePx.Height;

    /// <summary>Which px of the picture are its own; null where only its box is known.</summary>
    public ObjectMask? Mask { get; init; }
}
