namespace Fpn.IlGpu.Imaging;

/// <summary>The size of a picture, known from its headers.</summary>
/// <param name="StoredWidth">The width of the stored pixels, in px.</param>
/// <param name="StoredHeight">Their height, in px.</param>
/// <param name="Orientation">How they lie, as EXIF numbers it: 1 to 8, and 1 is upright.</param>
public readonly record struct PictureSize(int StoredWidth, int StoredHeight, int Orientation)
{
    /// <summary>The width and height in px, as read.</summary>
    public (int Width, int Height) Of(ExifUse exif) => exif == ExifUse.Apply && ExifOrientation.IsOnItsSide(Orientation)
        ? (StoredHeight, StoredWidth)
        : (StoredWidth, StoredHeight);
}
