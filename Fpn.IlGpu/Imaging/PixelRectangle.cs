namespace Fpn.IlGpu.Imaging;

/// <summary>A rectangle of whole px; left and top are inclusive, right and bottom exclusive.</summary>
internal readonly record struct PixelRectangle(int Left, int Top, int Right, int Bottom)
{
    public int Width => Right - Left;

    public int Height => Bottom - Top;

    public long Area => (long)Width * Height;

    public PixelRectangle Grow(int by) => new(Left - by, Top - by, Right + by, Bottom + by);

    /// <summary>The number of pixels in both rectangles.</summary>
    public long Overlap(PixelRectangle other)
    {
        long width = Math.Min(Right, other.Right) - Math.Max(Left, other.Left);
        long height = Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top);
        return width > 0 && height > 0 ? width * height : 0;
    }
}
