namespace Fpn.IlGpu.Evaluation;

/// <summary>A rectangle as in COCO's files, in px of the picture. Double precision, because ties affect the figures.</summary>
/// <param name="X">Left edge.</param>
/// <param name="Y">Top edge.</param>
/// <param name="Width">Width, in px.</param>
/// <param name="Height">Height, in px.</param>
public readonly record struct CocoBox(double X, double Y, double Width, double Height)
{
    /// <summary>Width · height, in px².</summary>
    public double Area => Width * Height;

    /// <summary>
    /// <c>IoU = |D ∩ G| / |D ∪ G|</c>, and for a crowd <c>|D ∩ G| / |D|</c>: the share of the found box D that is inside the
    /// region G. The operations are in the order of COCO's bbIou, so that results agree to the last bit.
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
