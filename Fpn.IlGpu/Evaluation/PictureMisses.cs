using System.Globalization;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>What went wrong in one picture, at IoU 0.50: objects that were not found, and found ones that are none.</summary>
/// <param name="Picture">The picture.</param>
/// <param name="Missed">Largest first; crowds are never missed.</param>
/// <param name="Wrong">Best score first: on nothing, on the wrong class, or on what another has found already.</param>
public sealed record PictureMisses(
    EvaluatedPicture Picture, IReadOnlyList<TruthObject> Missed, IReadOnlyList<FoundObject> Wrong)
{
    private const double Iou = .5;

    // More would hide the picture; those that are left out have the lowest scores.
    private const int MostDrawn = 20;
    private const int GapPx = 8;

    /// <summary>How bad it is: an object missed counts 1, a wrong one its score.</summary>
    public double Badness => Missed.Count + Wrong.Sum(found => Math.Max(0, found.Score));

    /// <summary>The pictures in which most went wrong, worst first; none in which all is right.</summary>
    /// <param name="truth">What is to be found.</param>
    /// <param name="results">What was found.</param>
    /// <param name="kind">What is compared.</param>
    /// <param name="count">How many pictures at most.</param>
    public static IReadOnlyList<PictureMisses> Worst(
        EvaluationTruth truth, EvaluationResults results, EvaluationKind kind, int count)
    {
        ArgumentNullException.ThrowIfNull(truth);
        ArgumentNullException.ThrowIfNull(results);
        var missed = new List<TruthObject>();
        var wrong = new List<FoundObject>();
        var groups = results.AreProposals
            ? [PictureGroup.OfAllClasses(truth, results, kind, CocoProtocol.MostDetections[^1])]
            : PictureGroup.ByClass(truth, results, kind, CocoProtocol.MostDetections[^1]);
        foreach (var group in groups.SelectMany(pictures => pictures))
        {
            var matching = new Matching(group, CocoProtocol.Areas[0]);
            var matches = new int[group.Found.Length];
            matching.Run(Iou, matches);
            missed.AddRange(group.Truth.Where((_, g) => !matching.IsIgnored(g) && !matches.Contains(g)));
            wrong.AddRange(group.Found.Where((_, d) => matches[d] == Matching.None));
        }
        var missedIn = missed.ToLookup(item => item.PictureId);
        var wrongIn = wrong.ToLookup(item => item.PictureId);
        return [.. truth.Pictures.Select(picture => new PictureMisses(
                picture, [.. missedIn[picture.Id].OrderByDescending(item => item.Area)],
                [.. wrongIn[picture.Id].OrderByDescending(item => item.Score)]))
            .Where(misses => misses.Missed.Count + misses.Wrong.Count > 0)
            .OrderByDescending(misses => misses.Badness)
            .ThenBy(misses => misses.Picture.Id)
            .Take(count)];
    }

    /// <summary>The picture twice, side by side: on the left what was missed, on the right what is wrong, at most 20 of each.</summary>
    /// <param name="picture">The picture itself; it is not changed.</param>
    /// <param name="categories">Names of the classes.</param>
    public RgbImage Draw(RgbImage picture, IReadOnlyList<AnnotatedCategory> categories)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(categories);
        Annotation[] left = [.. Missed.Take(MostDrawn).Select(item => Annotate(
            item.BoxImagePx, $"missed {NameOf(item.CategoryId, categories)}", IndexOf(item.CategoryId, categories), item.Mask, picture))];
        Annotation[] right = [.. Wrong.Take(MostDrawn).Select(item => Annotate(
            item.BoxImagePx, string.Create(CultureInfo.InvariantCulture, $"{NameOf(item.CategoryId, categories)} {item.Score:F2}"),
            IndexOf(item.CategoryId, categories), item.Mask, picture))];
        RgbImage both = new((2 * picture.Width) + GapPx, picture.Height);
        Paste(Annotated(picture, left), both, 0);
        Paste(Annotated(picture, right), both, picture.Width + GapPx);
        return both;
    }

    private static RgbImage Annotated(RgbImage picture, Annotation[] annotations)
    {
        var copy = new RgbImage(picture.Width, picture.Height, (byte[])picture.Pixels.Clone());
        AnnotationPainter.Draw(copy, annotations);
        return copy;
    }

    private static Annotation Annotate(CocoBox box, string text, int index, ObjectMask? mask, RgbImage picture)
    {
        // A mask of another size than the picture's is what went wrong: its box still shows where.
        var fits = mask is not null && mask.Width == picture.Width && mask.Height == picture.Height;
        return new Annotation(
            (float)box.X, (float)box.Y, (float)(box.X + box.Width), (float)(box.Y + box.Height), text, index, fits ? mask : null);
    }

    private static int IndexOf(long? category, IReadOnlyList<AnnotatedCategory> categories)
        => categories.Index().Where(item => item.Item.Id == category).Select(item => item.Index).FirstOrDefault(-1);

    private static string NameOf(long? category, IReadOnlyList<AnnotatedCategory> categories)
        => categories.FirstOrDefault(item => item.Id == category)?.Name ?? "object";

    private static void Paste(RgbImage picture, RgbImage into, int x)
    {
        var row = picture.Width * RgbImage.Channels;
        for (var y = 0; y < picture.Height; y++)
            picture.Pixels.AsSpan(y * row, row).CopyTo(into.Pixels.AsSpan(((y * into.Width) + x) * RgbImage.Channels));
    }
}
