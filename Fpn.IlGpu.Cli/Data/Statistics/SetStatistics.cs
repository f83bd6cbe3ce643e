using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Cli;

/// <summary>An object that counts, with the size of its picture.</summary>
/// <param name="Class">The name of its class.</param>
/// <param name="BoxImagePx">Its box.</param>
/// <param name="Area">Its area, as the annotation has it, in px².</param>
/// <param name="PictureW">The picture's width, in px.</param>
/// <param name="PictureH">The picture's height, in px.</param>
/// <param name="Picture">The picture's number among all.</param>
internal sealed record MeasuredObject(string Class, Box BoxImagePx, double Area, int PictureW, int PictureH, int Picture)
{
    /// <summary>The side of a square as large as the box, in px of the picture.</summary>
    public double SideImagePx => Math.Sqrt((double)BoxImagePx.Width * BoxImagePx.Height);
}

/// <summary>What sets of annotated pictures have: pictures, objects, sizes.</summary>
internal sealed class SetStatistics
{
    // COCO's limits: areas of 32² and 96² px.
    private const double Medium = 32 * 32;
    private const double Large = 96 * 96;

    private SetStatistics(IReadOnlyList<AnnotatedSet> sets)
    {
        Pictures = [.. sets.SelectMany(set => set.Pictures)];
        Classes = [.. sets.SelectMany(set => set.Categories).Select(category => category.Name).Distinct(StringComparer.Ordinal)];
        var number = 0;
        foreach (var set in sets)
        {
            foreach (var picture in set.Pictures)
            {
                number++;
                Objects.AddRange(picture.Objects.Where(o => !o.IsCrowd && !o.IsIgnored).Select(o => new MeasuredObject(
                    set.Categories[o.ClassIndex].Name, o.BoxImagePx, o.Area, picture.Width, picture.Height, number)));
            }
        }
    }

    public IReadOnlyList<AnnotatedPicture> Pictures { get; }

    public IReadOnlyList<string> Classes { get; }

    /// <summary>The objects that count.</summary>
    public List<MeasuredObject> Objects { get; } = [];

    public int Crowds => Pictures.Sum(picture => picture.Objects.Count(o => o.IsCrowd));

    public int Ignored => Pictures.Sum(picture => picture.Objects.Count(o => o.IsIgnored && !o.IsCrowd));

    public int Empty => Pictures.Count(picture => picture.IsEmpty);

    public static SetStatistics Of(IReadOnlyList<AnnotatedSet> sets) => new(sets);

    /// <summary>COCO's size of an object: 0 small, 1 medium, 2 large.</summary>
    public static int SizeOf(MeasuredObject measured) => measured.Area < Medium ? 0 : measured.Area < Large ? 1 : 2;

    /// <summary>The side of an object in px of the network's input.</summary>
    public static double SideInputPx(MeasuredObject measured, int minSize, int maxSize)
    {
        var (scaleX, scaleY) = Scales(measured, minSize, maxSize);
        return measured.SideImagePx * Math.Sqrt((double)scaleX * scaleY);
    }

    /// <summary>The level that an object is read from, by the rule for RoIs: 2 to 5.</summary>
    public static int LevelOf(MeasuredObject measured, int minSize, int maxSize, float canonicalSide)
    {
        const int finest = 2, coarsest = 5, canonicalLevel = 4;
        var (scaleX, scaleY) = Scales(measured, minSize, maxSize);
        var box = measured.BoxImagePx;
        var inputPx = new Box(box.X1 * scaleX, box.Y1 * scaleY, box.X2 * scaleX, box.Y2 * scaleY);
        return RoiLevels.Of(inputPx, new RoiLevels.Range(finest, coarsest, new RoiLevelRule(canonicalSide, canonicalLevel, 1e-6f)));
    }

    /// <summary>The value below which a share of the values lies.</summary>
    public static double Percentile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? 0 : sorted[(int)Math.Round((sorted.Length - 1) * share)];
    }

    private static (float X, float Y) Scales(MeasuredObject measured, int minSize, int maxSize)
    {
        var (h, w) = ResizedSize.Of(measured.PictureH, measured.PictureW, minSize, maxSize);
        return ((float)w / measured.PictureW, (float)h / measured.PictureH);
    }
}
