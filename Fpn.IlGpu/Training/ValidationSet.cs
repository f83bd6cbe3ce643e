using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Training;

/// <summary>Pictures with their ground truth, which a run is validated on.</summary>
/// <param name="Truth">The ground truth; its categories are classes of the training data.</param>
/// <param name="Read">Reads the picture at an index of the truth's; called from several threads.</param>
internal sealed record ValidationSet(EvaluationTruth Truth, Func<int, RgbImage> Read)
{
    private const long SharePurpose = 21;

    /// <summary>The files of the pictures; empty for pictures that have none.</summary>
    public IEnumerable<string> Files { get; private init; } = [];

    /// <summary>As what a detector is evaluated on.</summary>
    public EvaluationSet Evaluated => EvaluationSet.Of(Truth, Read, i => $"picture {Truth.Ids.Say(Truth.Pictures[i].Id)}");

    /// <summary>Chooses the pictures that are set aside.</summary>
    /// <param name="validation">The configuration, which names a share.</param>
    /// <param name="count">The number of pictures to choose from.</param>
    /// <returns>For each picture, whether it is set aside.</returns>
    /// <exception cref="AnnotationException">There are too few pictures to choose from.</exception>
    public static bool[] Choose(TrainingValidation validation, int count)
    {
        if (count < 2)
            throw new AnnotationException($"'validation.share' needs at least two pictures to choose from, and there is {count}.");
        var chosen = new bool[count];
        int[] order = [.. Enumerable.Range(0, count)];
        var random = new KeyedRandom(validation.Seed, SharePurpose);
        for (var i = 0; i < Math.Clamp((int)Math.Round(validation.Share!.Value * count), 1, count - 1); i++)
        {
            var j = i + random.NextBelow(count - i);
            (order[i], order[j]) = (order[j], order[i]);
            chosen[order[i]] = true;
        }
        return chosen;
    }

    /// <summary>Opens the files that a configuration names, other than a share of the training pictures.</summary>
    /// <param name="validation">The configuration.</param>
    /// <param name="exif">What to do with pictures that EXIF data say are turned.</param>
    /// <param name="folder">The folder that paths are relative to.</param>
    /// <param name="classes">The classes of the training data.</param>
    /// <param name="withMasks">Whether masks are evaluated.</param>
    /// <param name="progress">Receives how many pictures have been checked.</param>
    /// <exception cref="AnnotationException">The data are missing or broken, or have nothing to find.</exception>
    public static ValidationSet OfFiles(
        TrainingValidation validation, ExifUse exif, string folder, IReadOnlyList<string> classes, bool withMasks,
        IProgress<TrainerProgress>? progress)
    {
        EvaluationTruth truth;
        string pictures;
        if (validation.Coco is { } coco)
        {
            pictures = Path.Combine(folder, coco.Pictures);
            if (!Directory.Exists(pictures))
                throw new AnnotationException($"There is no folder '{pictures}' with the pictures of '{coco.Annotations}'.");
            truth = Trained(EvaluationTruth.Read(Path.Combine(folder, coco.Annotations), withMasks), classes);
        }
        else
        {
            var set = VocFolder.Read(Path.Combine(folder, validation.Voc!.Folder), validation.Voc.Split, classes, exif);
            if (withMasks)
                throw new AnnotationException("The detector learns masks, and VOC folders have none: 'validation' needs 'coco' or 'share'.");
            (truth, pictures) = (EvaluationTruth.Of(set), set.Folder);
        }
        var checking = new PicturesOf(TrainerWork.CheckingValidationPictures, truth.Pictures.Count, progress);
        truth = truth.WithoutUnusablePictures(pictures, exif, checking);
        return OfPictures(truth, pictures, exif);
    }

    /// <summary>Uses pictures of a set, which have been checked.</summary>
    /// <param name="set">The set.</param>
    /// <param name="exif">What to do with pictures that EXIF data say are turned.</param>
    public static ValidationSet Of(AnnotatedSet set, ExifUse exif) => OfPictures(EvaluationTruth.Of(set), set.Folder, exif);

    /// <summary>Uses pictures that the caller has opened.</summary>
    /// <param name="pictures">The pictures; all of them are read.</param>
    /// <param name="classes">The class names by class index.</param>
    public static ValidationSet Of(IPictureSource pictures, IReadOnlyList<string> classes)
    {
        var categories = classes.Select((name, i) => new AnnotatedCategory(i + 1, name));
        return new ValidationSet(EvaluationTruth.Of(pictures, [.. categories]), i => pictures.Read(i, epoch: 0).Image);
    }

    /// <summary>Refuses a set in which there is nothing to find.</summary>
    /// <exception cref="AnnotationException">It has no object that counts.</exception>
    public ValidationSet Checked() => Truth.Objects.Any(item => !item.IsCrowd) ? this : throw new AnnotationException(
        $"The {Truth.Pictures.Count} validation pictures have no object of the trained classes: choose other ones in 'validation'.");

    private static ValidationSet OfPictures(EvaluationTruth truth, string folder, ExifUse exif)
    {
        string PathOf(EvaluatedPicture picture) => Path.Join(folder, picture.FileName);
        return new ValidationSet(truth, i => PictureReader.Read(PathOf(truth.Pictures[i]), exif: exif))
        {
            Files = truth.Pictures.Select(PathOf),
        };
    }

    // A detector can't find what it does not learn, so that such objects would only lower every figure.
    private static EvaluationTruth Trained(EvaluationTruth truth, IReadOnlyList<string> classes)
    {
        var match = new CategoryMatch(classes, truth.Categories);
        if (match.Ambiguous.Count > 0)
        {
            throw new AnnotationException(
                $"The classes of training and validation can't be told apart by their names: {string.Join("; ", match.Ambiguous)}. "
                + "Give each category a name of its own, spelt alike in both.");
        }
        var problems = new AnnotationProblems();
        problems.Add(truth.Problems);
        var unknown = truth.Categories.Where(category => match.NotInModel.Contains(category.Name)).ToDictionary(c => c.Id, c => c.Name);
        foreach (var item in truth.Objects.Where(item => unknown.ContainsKey(item.CategoryId)))
        {
            problems.Add(
                AnnotationProblem.CategoryUnknown,
                $"object {item.Id} of the validation's picture {truth.Ids.Say(item.PictureId)} is of '{unknown[item.CategoryId]}', "
                + "which the training data lack",
                AnnotationPart.Objects);
        }
        return truth with
        {
            Categories = [.. truth.Categories.Where(category => !unknown.ContainsKey(category.Id))],
            Objects = [.. truth.Objects.Where(item => !unknown.ContainsKey(item.CategoryId))],
            Problems = problems,
        };
    }
}
