using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Crops training pictures at random around objects, as RandomIoUCrop of torchvision's references does (SSD, section 2.2). A least
/// overlap is drawn; then crops are drawn until one has an object's centre inside, and an IoU of at least that overlap with one of
/// the objects whose centres it has. An overlap of 1 leaves the picture whole. Objects whose centres are outside the crop are dropped;
/// the others are clipped to it.
/// </summary>
public sealed record IouCrop
{
    /// <summary>The least share of the picture's width and of its height that a crop has.</summary>
    public double SmallestScale { get; init; } = 0.3;

    /// <summary>The greatest share.</summary>
    public double LargestScale { get; init; } = 1;

    /// <summary>The least ratio of a crop's width to its height.</summary>
    public double SmallestAspect { get; init; } = 0.5;

    /// <summary>The greatest ratio.</summary>
    public double LargestAspect { get; init; } = 2;

    /// <summary>The overlaps from which one is drawn; 1 is among them, and leaves the picture whole.</summary>
    public double[] Overlaps { get; init; } = [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1];

    /// <summary>The number of crops that are tried before another overlap is drawn.</summary>
    public int Trials { get; init; } = 40;

    /// <summary>What is wrong with the values, as the end of a sentence; null if nothing is.</summary>
    internal string? Problem()
    {
        const string key = "'data.augment.iou_crop";
        if (!(SmallestScale > 0 && SmallestScale <= LargestScale && LargestScale <= 1))
            return $"{key}' takes a 'smallest_scale' above 0 and a 'largest_scale' of at least that, up to 1";
        if (!(SmallestAspect > 0 && SmallestAspect <= LargestAspect && LargestAspect <= 100))
            return $"{key}' takes a 'smallest_aspect' above 0 and a 'largest_aspect' of at least that, up to 100";
        if (Overlaps.Any(overlap => !(overlap is >= 0 and <= 1)) || !Overlaps.Contains(1))
            return $"{key}.overlaps' takes numbers from 0 to 1, and 1 must be among them: it leaves the picture whole";
        return Trials is >= 1 and <= 10_000 ? null : $"{key}.trials' must be from 1 to 10000";
    }

    /// <summary>Draws a crop; null to leave the picture whole.</summary>
    /// <param name="width">The picture's width, in px.</param>
    /// <param name="height">The picture's height, in px.</param>
    /// <param name="boxes">The boxes of its objects that count, in px.</param>
    /// <param name="random">The source of chance.</param>
    internal PixelRectangle? Draw(int width, int height, IReadOnlyList<Box> boxes, KeyedRandom random)
    {
        while (boxes.Count > 0)
        {
            var overlap = Overlaps[random.NextBelow(Overlaps.Length)];
            if (overlap >= 1)
                return null;
            for (var trial = 0; trial < Trials; trial++)
            {
                if (DrawOne(width, height, ref random) is { } crop && Fits(crop, boxes, overlap))
                    return crop;
            }
        }
        return null;
    }

    /// <summary>Whether the centre of a box is inside a crop.</summary>
    internal static bool HasCentre(PixelRectangle crop, Box box)
    {
        var (x, y) = (0.5f * (box.X1 + box.X2), 0.5f * (box.Y1 + box.Y2));
        return crop.Left < x && x < crop.Right && crop.Top < y && y < crop.Bottom;
    }

    private PixelRectangle? DrawOne(int width, int height, ref KeyedRandom random)
    {
        var range = LargestScale - SmallestScale;
        var w = (int)(width * (SmallestScale + range * random.NextUnit()));
        var h = (int)(height * (SmallestScale + range * random.NextUnit()));
        if (w == 0 || h == 0 || !((double)w / h >= SmallestAspect && (double)w / h <= LargestAspect))
            return null;
        var left = (int)((width - w) * random.NextUnit());
        var top = (int)((height - h) * random.NextUnit());
        return new PixelRectangle(left, top, left + w, top + h);
    }

    private static bool Fits(PixelRectangle crop, IReadOnlyList<Box> boxes, double overlap)
        => boxes.Any(box => HasCentre(crop, box) && Iou(crop, box) >= overlap);

    private static double Iou(PixelRectangle crop, Box box)
    {
        double w = Math.Min(crop.Right, box.X2) - Math.Max(crop.Left, box.X1), h = Math.Min(crop.Bottom, box.Y2) - Math.Max(crop.Top, box.Y1);
        var common = Math.Max(w, 0) * Math.Max(h, 0);
        return common / (crop.Area + box.Area - common);
    }
}
