using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>A picture that is evaluated on.</summary>
/// <param name="Id">By which objects name it.</param>
/// <param name="FileName">Relative to the folder of pictures; empty if the truth does not say.</param>
/// <param name="Width">In px; 0 if the truth does not say.</param>
/// <param name="Height">In px; 0 if the truth does not say.</param>
public sealed record EvaluatedPicture(long Id, string FileName, int Width, int Height);

/// <summary>
/// What is to be found. Unlike what training reads (<see cref="CocoAnnotations"/>), boxes are neither clipped nor left out
/// when they are empty: the figures are to be those of COCO's own code.
/// </summary>
/// <param name="Pictures">Each is evaluated, also one in which nothing is to be found.</param>
/// <param name="Categories">The classes; what is found of others is left out.</param>
/// <param name="Objects">In the order of the file, which decides between equals.</param>
public sealed record EvaluationTruth(
    IReadOnlyList<EvaluatedPicture> Pictures, IReadOnlyList<AnnotatedCategory> Categories, IReadOnlyList<TruthObject> Objects)
{
    /// <summary>What was wrong with single entries.</summary>
    public AnnotationProblems Problems { get; init; } = new();

    /// <summary>
    /// Reads COCO's instances. Objects of unknown pictures or categories, those that lack an id or a box, and second ones with
    /// the same id are left out and named; so are masks that can't be read. COCO's code knows no <c>ignore</c>, only
    /// <c>iscrowd</c>: nor does this.
    /// </summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="masks">Whether masks are read.</param>
    /// <exception cref="AnnotationException">It can't be read, is broken JSON, or is an empty set.</exception>
    public static EvaluationTruth Read(string path, bool masks = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        var file = CocoFile.Read(path, masks);
        var sizes = file.Pictures.ToDictionary(picture => picture.Id);
        var objects = new List<TruthObject>(file.Objects.Count);
        foreach (var entry in file.Objects)
        {
            var picture = sizes[entry.PictureId!.Value];
            var which = $"object {entry.Id} of picture {picture.Id}";
            var box = new CocoBox(entry.Box![0], entry.Box[1], entry.Box[2], entry.Box[3]);
            if (entry.Area is null)
                file.Problems.Add(AnnotationProblem.AreaMissing, which);
            if (entry.Id == 0)
                file.Problems.Add(AnnotationProblem.IdZero, which);
            var mask = masks ? MaskOf(entry, picture, which, file.Problems) : null;
            objects.Add(new TruthObject(
                entry.Id!.Value, picture.Id, entry.CategoryId!.Value, box, entry.Area ?? box.Area, entry.IsCrowd, mask));
        }
        return new EvaluationTruth(
            [.. file.Pictures.Select(picture => new EvaluatedPicture(picture.Id, picture.FileName, picture.Width, picture.Height))],
            file.Categories, objects)
        { Problems = file.Problems };
    }

    /// <summary>A set that was read for training, as truth. What is to be left out of account counts as a crowd.</summary>
    public static EvaluationTruth Of(AnnotatedSet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        var objects = new List<TruthObject>();
        foreach (var picture in set.Pictures)
        {
            foreach (var annotated in picture.Objects)
            {
                var box = new CocoBox(
                    annotated.BoxImagePx.X1, annotated.BoxImagePx.Y1, annotated.BoxImagePx.Width, annotated.BoxImagePx.Height);
                objects.Add(new TruthObject(
                    objects.Count + 1, picture.Id, set.Categories[annotated.ClassIndex].Id, box, annotated.Area,
                    annotated.IsCrowd || annotated.IsIgnored, annotated.Mask));
            }
        }
        return new EvaluationTruth(
            [.. set.Pictures.Select(picture => new EvaluatedPicture(picture.Id, picture.FileName, picture.Width, picture.Height))],
            set.Categories, objects);
    }

    private static ObjectMask? MaskOf(CocoEntry entry, CocoPicture picture, string which, AnnotationProblems problems)
    {
        var why = "it has none";
        var mask = entry.Segmentation?.ToMask(picture.Width, picture.Height, out why);
        if (mask is null)
            problems.Add(AnnotationProblem.MaskBroken, $"{which}: {why}");
        return mask;
    }
}
