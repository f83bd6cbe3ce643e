using System.Globalization;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>The errors in one picture, at IoU 0.50: objects that were missed, and results that are wrong.</summary>
/// <param name="Picture">The picture.</param>
/// <param name="Missed">The missed objects, largest first; crowds are never missed.</param>
/// <param name="Wrong">
/// The wrong results, best score first: on no object, of the wrong class, or on an object that another result has found.
/// </param>
internal sealed record PictureMisses(
    EvaluatedPicture Picture, IReadOnlyList<TruthObject> Missed, IReadOnlyList<FoundObject> Wrong)
{
    private const double Iou = .5;

    // More would hide the picture. The smallest missed objects and the wrong results with the lowest scores are left out.
    private const int MostDrawn = 20;
    private const int GapPx = 8;

    /// <summary>The severity: each missed object counts 1, each wrong result its score.</summary>
    public double Badness => Missed.Count + Wrong.Sum(found => Math.Max(0, found.Score));

    /// <summary>Returns the pictures with the most errors, worst first, without those that have no errors.</summary>
    /// <param name="truth">The ground truth.</param>
    /// <param name="results">The results.</param>
    /// <param name="kind">What to compare.</param>
    /// <param name="count">The maximum number of pictures.</param>
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

    /// <summary>
    /// Draws the picture twice, side by side: with missed objects on the left and wrong results on the right, at most 20 of
    /// each.
    /// </summary>
    /// <param name="picture">The picture; it is not changed.</param>
    /// <param name="categories">The classes, for their names.</param>
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
        // If the mask's size is not the picture's, that is the error; the box still shows where.
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
