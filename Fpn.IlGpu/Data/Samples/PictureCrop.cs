using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Data;

/// <summary>
/// A part of a picture with the objects in it. Boxes are clipped to the part. Where masks are loaded, an object that the part cuts gets
/// the box of what is left of its mask, and is dropped if nothing is, as in Detectron2; torchvision keeps the clipped box.
/// </summary>
internal static class PictureCrop
{
    /// <summary>Cuts a part out of a picture.</summary>
    /// <param name="picture">The picture; it stays as it is.</param>
    /// <param name="part">The part, inside the picture.</param>
    /// <param name="keeps">Whether an object is kept if a part of its box is left.</param>
    /// <param name="withMasks">Whether masks are needed.</param>
    public static SourcePicture Of(SourcePicture picture, PixelRectangle part, Func<AnnotatedObject, bool> keeps, bool withMasks)
    {
        var image = picture.Image;
        if (part == new PixelRectangle(0, 0, image.Width, image.Height))
            return picture;
        var cropped = new RgbImage(part.Width, part.Height);
        var row = part.Width * RgbImage.Channels;
        for (var y = 0; y < part.Height; y++)
        {
            image.Pixels.AsSpan(((part.Top + y) * image.Width + part.Left) * RgbImage.Channels, row)
                .CopyTo(cropped.Pixels.AsSpan(y * row, row));
        }
        var objects = picture.Objects.Where(keeps).Select(o => Of(o, part, withMasks));
        return new SourcePicture(cropped, [.. objects.OfType<AnnotatedObject>()]);
    }

    private static AnnotatedObject? Of(AnnotatedObject annotated, PixelRectangle part, bool withMasks)
    {
        var box = annotated.BoxImagePx;
        var moved = new Box(box.X1 - part.Left, box.Y1 - part.Top, box.X2 - part.Left, box.Y2 - part.Top);
        var clipped = new Box(
            Math.Clamp(moved.X1, 0, part.Width), Math.Clamp(moved.Y1, 0, part.Height),
            Math.Clamp(moved.X2, 0, part.Width), Math.Clamp(moved.Y2, 0, part.Height));
        if (!(clipped.Width > 0 && clipped.Height > 0))
            return null;
        var cropped = annotated with { BoxImagePx = clipped, Mask = null };
        if (!withMasks || annotated.IsCrowd || annotated.IsIgnored || annotated.Mask is not { } mask)
            return cropped;
        var left = mask.Cropped(part);
        if (clipped == moved)
            return cropped with { Mask = left };
        if (left.Area == 0)
            return null;
        var bounds = MaskOverlap.Bounds(left);
        return cropped with { BoxImagePx = new Box(bounds.Left, bounds.Top, bounds.Right, bounds.Bottom), Mask = left };
    }
}
