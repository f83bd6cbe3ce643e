using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// What is to be found and was found of one class in one picture (or of all classes, for proposals), with the overlap of
/// each with each.
/// </summary>
internal sealed class PictureGroup
{
    private readonly double[] overlaps;

    private PictureGroup(TruthObject[] truth, FoundObject[] found, EvaluationKind kind)
    {
        Truth = truth;
        Found = found;
        overlaps = kind == EvaluationKind.Box ? BoxOverlaps(truth, found) : MaskOverlaps(truth, found);
    }

    /// <summary>In the order of the file.</summary>
    public TruthObject[] Truth { get; }

    /// <summary>Best first, equals in the order of the file; no more than count.</summary>
    public FoundObject[] Found { get; }

    /// <summary>IoU of a found object with a true one.</summary>
    public double Overlap(int found, int truth) => overlaps[(found * Truth.Length) + truth];

    /// <summary>For each class, by its id, its groups in the order of the pictures' ids; those with nothing in them are left out.</summary>
    /// <param name="truth">What is to be found.</param>
    /// <param name="results">What was found; that of unknown classes, or none, belongs nowhere.</param>
    /// <param name="kind">What is compared.</param>
    /// <param name="most">How many found objects of a group count.</param>
    public static PictureGroup[][] ByClass(EvaluationTruth truth, EvaluationResults results, EvaluationKind kind, int most)
    {
        long[] ids = [.. truth.Categories.Select(category => category.Id).Distinct().Order()];
        var truthOf = truth.Objects.ToLookup(item => item.CategoryId);
        var foundOf = results.Objects.ToLookup(item => item.CategoryId);
        var groups = new PictureGroup[ids.Length][];
        Parallel.For(0, ids.Length, k => groups[k] = ByPicture(truthOf[ids[k]], foundOf[ids[k]], kind, most));
        return groups;
    }

    /// <summary>The groups of all classes as one, in the order of the pictures' ids.</summary>
    public static PictureGroup[] OfAllClasses(EvaluationTruth truth, EvaluationResults results, EvaluationKind kind, int most)
    {
        // Of equals, those of the class with the lower id come first, as in COCO's code; a proposal has none, and is of any.
        HashSet<long> ids = [.. truth.Categories.Select(category => category.Id)];
        return ByPicture(
            truth.Objects.Where(item => ids.Contains(item.CategoryId)).OrderBy(item => item.CategoryId),
            results.Objects.Where(item => item.CategoryId is not { } id || ids.Contains(id)).OrderBy(item => item.CategoryId),
            kind, most);
    }

    private static PictureGroup[] ByPicture(
        IEnumerable<TruthObject> truth, IEnumerable<FoundObject> found, EvaluationKind kind, int most)
    {
        var truthIn = truth.ToLookup(item => item.PictureId);
        var foundIn = found.ToLookup(item => item.PictureId);
        return [.. truthIn.Select(items => items.Key).Union(foundIn.Select(items => items.Key)).Order().Select(picture =>
            new PictureGroup([.. truthIn[picture]], [.. foundIn[picture].OrderByDescending(item => item.Score).Take(most)], kind))];
    }

    private static double[] BoxOverlaps(TruthObject[] truth, FoundObject[] found)
    {
        var overlaps = new double[truth.Length * found.Length];
        for (var i = 0; i < overlaps.Length; i++)
        {
            (var d, var g) = Math.DivRem(i, truth.Length);
            overlaps[i] = CocoBox.Iou(found[d].BoxImagePx, truth[g].BoxImagePx, truth[g].IsCrowd);
        }
        return overlaps;
    }

    private static double[] MaskOverlaps(TruthObject[] truth, FoundObject[] found)
    {
        var overlaps = new double[truth.Length * found.Length];
        var truthBounds = truth.Length > 0 && found.Length > 0 ? Array.ConvertAll(truth, t => Bounds(t.Mask)) : [];
        var foundBounds = truth.Length > 0 ? Array.ConvertAll(found, d => Bounds(d.Mask)) : [];
        for (var i = 0; i < overlaps.Length; i++)
        {
            (var d, var g) = Math.DivRem(i, truth.Length);
            if (foundBounds[d].Overlap(truthBounds[g]) > 0)
                overlaps[i] = Iou(found[d].Mask!, truth[g].Mask!, truth[g].IsCrowd);
        }
        return overlaps;
    }

    // As for boxes; masks of different sizes are of different pictures.
    private static double Iou(ObjectMask found, ObjectMask truth, bool crowd)
    {
        if (found.Width != truth.Width || found.Height != truth.Height)
            return 0;
        var common = MaskOverlap.Intersection(found, truth);
        return common == 0 ? 0 : (double)common / (crowd ? found.Area : found.Area + truth.Area - common);
    }

    private static PixelRectangle Bounds(ObjectMask? mask) => mask is null ? default : MaskOverlap.Bounds(mask);
}
