namespace Fpn.IlGpu.Imaging;

/// <summary>
/// What to do with a picture whose EXIF data say that the camera was turned. Annotations go by one of the two ways, and are wrong with
/// the other.
/// </summary>
public enum ExifUse
{
    /// <summary>Turn it upright, as viewers, most annotation tools and Detectron2 do.</summary>
    Apply,

    /// <summary>Leave the pixels as they are stored, as torchvision's <c>CocoDetection</c> does.</summary>
    Ignore,
}
