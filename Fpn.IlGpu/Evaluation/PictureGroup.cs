using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// The true and found objects of one class in one picture (or of all classes, for proposals), with their pairwise overlaps.
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

    /// <summary>The true objects, in file order.</summary>
    public TruthObject[] Truth { get; }

    /// <summary>The found objects that count: best first, ties in file order.</summary>
    public FoundObject[] Found { get; }

    /// <summary>IoU of a found object with a true one.</summary>
    public double Overlap(int found, int truth) => overlaps[(found * Truth.Length) + truth];

    /// <summary>
    /// For each class, in order of its id, its groups in order of picture id. Groups without objects are left out.
    /// </summary>
    /// <param name="truth">The ground truth.</param>
    /// <param name="results">The results; those without a class or of an unknown class are left out.</param>
    /// <param name="kind">What to compare.</param>
    /// <param name="most">The maximum number of found objects per group.</param>
    public static PictureGroup[][] ByClass(EvaluationTruth truth, EvaluationResults results, EvaluationKind kind, int most)
    {
        long[] ids = [.. truth.Categories.Select(category => category.Id).Distinct().Order()];
        var truthOf = truth.Objects.ToLookup(item => item.CategoryId);
        var foundOf = results.Objects.ToLookup(item => item.CategoryId);
        var groups = new PictureGroup[ids.Length][];
        Parallel.For(0, ids.Length, k => groups[k] = ByPicture(truthOf[ids[k]], foundOf[ids[k]], kind, most));
        return groups;
    }

    /// <summary>The groups of all classes together, in order of picture id.</summary>
    public static PictureGroup[] OfAllClasses(EvaluationTruth truth, EvaluationResults results, EvaluationKind kind, int most)
    {
        // Ties are in order of class id, as in COCO's code. A proposal has no class, and always counts.
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

    // As for boxes. Masks of different sizes belong to different pictures.
    private static double Iou(ObjectMask found, ObjectMask truth, bool crowd)
    {
        if (found.Width != truth.Width || found.Height != truth.Height)
            return 0;
        var common = MaskOverlap.Intersection(found, truth);
        return common == 0 ? 0 : (double)common / (crowd ? found.Area : found.Area + truth.Area - common);
    }

    private static PixelRectangle Bounds(ObjectMask? mask) => mask is null ? default : MaskOverlap.Bounds(mask);
}
