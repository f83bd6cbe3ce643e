namespace Fpn.IlGpu.Evaluation;

/// <summary>A rectangle as COCO's files have it, in px of the picture; in double precision, because figures hang on ties.</summary>
/// <param name="X">Left edge.</param>
/// <param name="Y">Top edge.</param>
/// <param name="Width">Of the rectangle.</param>
/// <param name="Height">Of the rectangle.</param>
public readonly record struct CocoBox(double X, double Y, double Width, double Height)
{
    /// <summary>Width · height, in px².</summary>
    public double Area => Width * Height;

    /// <summary>
    /// <c>IoU = |D ∩ G| / |D ∪ G|</c>, and for a crowd <c>|D ∩ G| / |D|</c>: how much of the found box D lies in the region G.
    /// The order of the operations is that of COCO's bbIou, so that the last bit is the same.
    /// </summary>
    internal static double Iou(in CocoBox found, in CocoBox truth, bool crowd)
    {
        var width = Math.Min(found.Width + found.X, truth.Width + truth.X) - Math.Max(found.X, truth.X);
        var height = Math.Min(found.Height + found.Y, truth.Height + truth.Y) - Math.Max(found.Y, truth.Y);
        if (width <= 0 || height <= 0)
            return 0;
        var common = width * height;
        return common / (crowd ? found.Area : found.Area + truth.Area - common);
    }
}
