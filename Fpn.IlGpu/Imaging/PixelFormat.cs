namespace Fpn.IlGpu.Imaging;

/// <summary>The order of a pixel's 8-bit channels in memory. Alpha is ignored, not composited.</summary>
public enum PixelFormat
{
    /// <summary>Red, green, blue: 3 bytes a pixel.</summary>
    Rgb,

    /// <summary>Blue, green, red: 3 bytes a pixel, as in OpenCV.</summary>
    Bgr,

    /// <summary>Red, green, blue, alpha: 4 bytes a pixel.</summary>
    Rgba,

    /// <summary>Blue, green, red, alpha: 4 bytes a pixel, as in Windows' and macOS's bitmaps.</summary>
    Bgra,

    /// <summary>One level for all three channels: 1 byte a pixel.</summary>
    Grey,
}
