using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>A picture of an evaluation.</summary>
/// <param name="Id">The number by which objects refer to it.</param>
/// <param name="FileName">The path relative to the picture folder; empty if the ground truth does not state it.</param>
/// <param name="Width">Width in px; 0 if the ground truth does not state it.</param>
/// <param name="Height">Height in px; 0 if the ground truth does not state it.</param>
public sealed record EvaluatedPicture(long Id, string FileName, int Width, int Height);

/// <summary>
/// The ground truth of an evaluation. Unlike for training (<see cref="CocoAnnotations"/>), boxes are not clipped and empty
/// boxes are kept, so that the figures are those of COCO's own code.
/// </summary>
/// <param name="Pictures">The pictures; all of them are evaluated, including those without objects.</param>
/// <param name="Categories">The classes; results of other classes are left out.</param>
/// <param name="Objects">The objects in file order, which breaks ties.</param>
public sealed record EvaluationTruth(
    IReadOnlyList<EvaluatedPicture> Pictures, IReadOnlyList<AnnotatedCategory> Categories, IReadOnlyList<TruthObject> Objects)
{
    /// <summary>The problems with single entries.</summary>
    public AnnotationProblems Problems { get; init; } = new();

    /// <summary>The ids as they are written in the truth's file.</summary>
    internal AnnotationIds Ids { get; init; } = new();

    /// <summary>
    /// Reads a COCO instances file. Objects of unknown pictures or categories, and those without an id or a box, are left out and
    /// reported; so are masks that can't be read. As in COCO's code, the last object of an id stands in for all of that id (which is
    /// reported), and only <c>iscrowd</c> has an effect, not <c>ignore</c>.
    /// </summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="masks">Whether to read masks.</param>
    /// <exception cref="AnnotationException">The file can't be read, is broken JSON, or is an empty set.</exception>
    public static EvaluationTruth Read(string path, bool masks = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        var file = CocoFile.Read(path, masks);
        if (masks && file.Objects.Count > 0 && file.Objects.All(entry => entry.Segmentation is null))
        {
            throw new AnnotationException(
                $"No object of '{path}' has a mask ('segmentation'), so masks can't be evaluated; evaluate boxes ('fpn eval' with --kind bbox).");
        }
        var sizes = file.Pictures.ToDictionary(picture => picture.Id);
        var objects = new List<TruthObject>(file.Objects.Count);
        foreach (var entry in file.ObjectsById())
        {
            var picture = sizes[entry.PictureId!.Value];
            var which = $"{file.NameOf(entry)} of picture {file.Ids.Say(picture.Id)}";
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
        { Problems = file.Problems, Ids = file.Ids };
    }

    /// <summary>Makes what was found in the truth's pictures into results, which are written with the ids of the truth's file.</summary>
    public EvaluationResults ToResults(IReadOnlyList<FoundObject> found) => new(found) { Ids = Ids };

    /// <summary>
    /// Uses a set that was read for training as ground truth. Ignored objects (VOC's <c>difficult</c>) count as crowds: finding them is
    /// neither right nor wrong.
    /// </summary>
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
            set.Categories, objects)
        { Problems = set.Problems, Ids = set.Ids };
    }

    /// <summary>Reads all pictures of a source, and uses their objects as ground truth.</summary>
    /// <param name="source">The source; the pictures of its first epoch are read.</param>
    /// <param name="categories">The categories, indexed by <see cref="AnnotatedObject.ClassIndex"/>.</param>
    /// <exception cref="PictureException">A picture can't be used.</exception>
    public static EvaluationTruth Of(IPictureSource source, IReadOnlyList<AnnotatedCategory> categories)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Of(new AnnotatedSet(
            [.. Enumerable.Range(0, source.Count).AsParallel().AsOrdered().Select(i =>
            {
                var picture = source.Read(i, epoch: 0);
                return new AnnotatedPicture(source.IdOf(i), "", picture.Image.Width, picture.Image.Height, picture.Objects);
            })],
            categories));
    }

    /// <summary>Returns the truth without the pictures in whose files a model can't detect; its problems name them.</summary>
    /// <param name="folder">The folder of the pictures.</param>
    /// <param name="exif">What to do with EXIF data that say that a picture is turned.</param>
    /// <param name="progress">Receives the number of pictures checked so far, from several threads.</param>
    public EvaluationTruth WithoutUnusablePictures(string folder, ExifUse exif = ExifUse.Apply, IProgress<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var problems = new AnnotationProblems();
        problems.Add(Problems);
        foreach (var nameless in Pictures.Where(picture => picture.FileName.Length == 0))
            problems.Add(AnnotationProblem.EntryIncomplete, $"picture {Ids.Say(nameless.Id)} has no file_name", AnnotationPart.Pictures);
        EvaluatedPicture[] named =
        [
            .. Pictures.Where(picture => picture.FileName.Length > 0)
                .Select(picture => picture with { FileName = PicturePath.Find(folder, picture.FileName) }),
        ];
        var usable = PictureCheck.Usable(
            [.. named.Select(p => new PictureFile(Path.Join(folder, p.FileName), p.Width, p.Height))], problems, exif, progress: progress);
        EvaluatedPicture[] kept = [.. named.Where((_, i) => usable[i])];
        var ids = kept.Select(picture => picture.Id).ToHashSet();
        return this with { Pictures = kept, Objects = [.. Objects.Where(item => ids.Contains(item.PictureId))], Problems = problems };
    }

    /// <summary>Returns the truth without some pictures and their objects.</summary>
    /// <param name="pictures">The ids of the pictures.</param>
    public EvaluationTruth Without(IReadOnlySet<long> pictures)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        return this with
        {
            Pictures = [.. Pictures.Where(picture => !pictures.Contains(picture.Id))],
            Objects = [.. Objects.Where(item => !pictures.Contains(item.PictureId))],
        };
    }

    private static ObjectMask? MaskOf(CocoEntry entry, CocoPicture picture, string which, AnnotationProblems problems)
    {
        var why = "it has none";
        var mask = entry.Segmentation?.ToMask(picture.Width, picture.Height, out why);
        if (entry.Segmentation is null)
            problems.AddParts(AnnotationPart.Masks, 1);
        if (mask is null)
            problems.Add(AnnotationProblem.MaskBroken, $"{which}: {why}", AnnotationPart.Masks);
        return mask;
    }
}
